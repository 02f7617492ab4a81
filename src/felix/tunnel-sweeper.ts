import { Errno, NetlinkError } from "../netlink/errno.ts";
import type { Link } from "../netlink/link.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Logger } from "../platform/logger.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import { removeTunnel, type TunnelRemains, tunnelRemains } from "./tunnel-remains.ts";

export interface TunnelSweeperOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  /** rtm_protocol of our routes. */
  readonly protocol: number;
  readonly logger: Logger;
  /** For so long a tunnel that nobody needs any more still takes in what nodes send that do not know yet. */
  readonly lingerMs: number;
}

/** rtm_protocol of routes that the kernel makes itself. */
const KERNEL_PROTOCOL = 2;

/** Takes away tunnels of ours that the configuration has no use for any more, after a while. */
export class TunnelSweeper {
  readonly #options: TunnelSweeperOptions;
  /** Since when nobody needs a link, by its index. */
  readonly #idleSinceMs = new Map<number, number>();

  constructor(options: TunnelSweeperOptions) {
    this.#options = options;
  }

  /**
   * Resolves to in how many milliseconds something is due again, if anything is. `kept`: devices that the configuration has
   * a use for. `leadsThrough`: does a route of ours lead through a link? Never rejects for the kernel's refusals.
   */
  async sweep(
    kept: ReadonlySet<string>,
    leadsThrough: (ifindex: number) => boolean,
    nowMs: number,
  ): Promise<number | undefined> {
    const { picture, protocol, lingerMs, logger, netlink } = this.#options;
    const idle = tunnelRemains(picture, protocol, () => false).filter(
      ({ link, end, addresses }) => {
        const isNothing = end === "stay" && addresses.length === 0;
        return !isNothing && !kept.has(link.name) && !leadsThrough(link.ifindex);
      },
    );
    const indexes = new Set(idle.map(({ link }) => link.ifindex));
    for (const ifindex of this.#idleSinceMs.keys()) {
      if (!indexes.has(ifindex)) this.#idleSinceMs.delete(ifindex);
    }
    let againMs: number | undefined;
    for (const remains of idle) {
      const { ifindex, name: device } = remains.link;
      const sinceMs = this.#idleSinceMs.get(ifindex) ?? nowMs;
      this.#idleSinceMs.set(ifindex, sinceMs);
      const leftMs = sinceMs + lingerMs - nowMs;
      if (leftMs > 0) againMs = Math.min(leftMs, againMs ?? leftMs);
      else {
        const last = await this.#last(remains);
        const failure = last === undefined ? undefined : attempt(() => removeTunnel(netlink, last));
        if (failure === undefined) logger.info({ device }, "took away a tunnel that nobody needs");
        else logger.error({ device }, `a tunnel that nobody needs stays: ${failure}`);
      }
    }
    return againMs;
  }

  /** The kernel's own device may serve others, too: what their routes say is only asked when it matters. */
  async #last({ link }: TunnelRemains): Promise<TunnelRemains | undefined> {
    const { netlink, picture, protocol } = this.#options;
    const others = new Set<number>();
    for (const version of [4, 6] as const) {
      await netlink.dumpRoutes({ version }, ({ protocol: owner, hops }) => {
        if (owner === protocol || owner === KERNEL_PROTOCOL) return;
        for (const { ifindex } of hops) others.add(ifindex);
      });
    }
    const remains = tunnelRemains(picture, protocol, (ifindex) => others.has(ifindex));
    return remains.find(({ link: one }: { link: Link }) => one.ifindex === link.ifindex);
  }
}

/** What the kernel refused, in words; what is gone already is well. */
function attempt(removal: () => void): string | undefined {
  try {
    removal();
    return undefined;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.errno === Errno.noDevice ? undefined : error.message;
  }
}
