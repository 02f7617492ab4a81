import { formatIpAddress } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import { Errno, NetlinkError } from "../netlink/errno.ts";
import type { Link } from "../netlink/link.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Logger } from "../platform/logger.ts";
import { loosenReversePathFilter } from "./forwarding.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { LoadKernelModule } from "./kernel-module.ts";
import { type Problem, problemOf } from "./problem.ts";
import type { Sysctl } from "./sysctl.ts";

/** The kernel's own IPIP device, which takes any remote end. */
export const TUNNEL_DEVICE = "tunl0";
const TUNNEL_KIND = "ipip";
/** Octets of the outer IPv4 header. */
const IPIP_OVERHEAD = 20;
const UNDERLAY_MTU = 1500;

export interface TunnelOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly sysctl: Sysctl;
  readonly loadKernelModule: LoadKernelModule;
  /** Marks the address as ours. */
  readonly protocol: number;
  readonly logger: Logger;
}

/** What the tunnel shall be like. */
export interface TunnelWish {
  /** Octets: the smallest MTU of the interfaces towards tunnelled next hops. */
  readonly underlayMtu: number | undefined;
  /** The node's own pod CIDRs. */
  readonly podCidrs: readonly Prefix[];
}

/** The tunnel's address: the first of the node's own first IPv4 pod CIDR; none without such. */
export function tunnelAddress(podCidrs: readonly Prefix[]): string | undefined {
  const first = podCidrs.find((prefix) => prefix.version === 4);
  return first === undefined ? undefined : formatIpAddress(first.octets);
}

/** Keeps `tunl0` as it shall be: there, up, with the right MTU and address. */
export class Tunnel {
  readonly #options: TunnelOptions;
  #problem: Problem | undefined;
  #ifindex: number | undefined;
  #moduleAsked = false;
  /** Where the kernel does not keep an address's protocol, only this tells which is ours. */
  #added: string | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** The device's index once routes may lead through it. */
  get ifindex(): number | undefined {
    return this.#ifindex;
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Makes the tunnel so, as far as it is not. Resolves to whether its index changed. Never rejects for the kernel's refusals. */
  async ensure(wish: TunnelWish): Promise<boolean> {
    const before = this.#ifindex;
    const problemBefore = this.#problem;
    try {
      const link = await this.#device();
      if (link !== undefined) {
        if (this.#configure(link, wish)) await this.#options.picture.load();
        if (this.#ifindex !== link.ifindex) {
          await loosenReversePathFilter(this.#options.sysctl, link.name, this.#options.logger);
        }
        this.#ifindex = link.ifindex;
        this.#problem = undefined;
      }
    } catch (error) {
      this.#fail(problemOf(error));
    }
    return before !== this.#ifindex || problemBefore !== this.#problem;
  }

  async #device(): Promise<Link | undefined> {
    const { picture } = this.#options;
    const link = picture.linkNamed(TUNNEL_DEVICE) ?? (await this.#create());
    if (link?.kind !== undefined && link.kind !== TUNNEL_KIND) {
      const text = `${TUNNEL_DEVICE} is of type ${link.kind}, not ${TUNNEL_KIND}`;
      this.#fail({ errno: undefined, text, remedy: `ip link delete ${TUNNEL_DEVICE}` });
      return undefined;
    }
    return link;
  }

  async #create(): Promise<Link | undefined> {
    const { picture, netlink, loadKernelModule } = this.#options;
    for (;;) {
      try {
        netlink.createLink(TUNNEL_DEVICE, TUNNEL_KIND);
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        // Loading the module makes the device by itself, so that ours comes too late.
        if (error.errno !== Errno.exists) {
          if (error.errno !== Errno.notSupported) throw error;
          if (!this.#moduleAsked) {
            this.#moduleAsked = true;
            if (await loadKernelModule(TUNNEL_KIND)) continue;
          }
          this.#fail(noIpip(error));
          return undefined;
        }
      }
      await picture.load();
      return picture.linkNamed(TUNNEL_DEVICE);
    }
  }

  /** Brings the device to what it shall be; true when something was to be done. */
  #configure(link: Link, wish: TunnelWish): boolean {
    const { netlink, logger } = this.#options;
    const mtu = (wish.underlayMtu ?? UNDERLAY_MTU) - IPIP_OVERHEAD;
    const changes = !link.up || link.mtu !== mtu;
    if (changes) {
      netlink.changeLink(link.ifindex, { up: true, mtu });
      logger.info({ device: link.name, mtu }, "brought up the IPIP tunnel");
    }
    return this.#address(link, tunnelAddress(wish.podCidrs)) || changes;
  }

  #address(link: Link, wanted: string | undefined): boolean {
    const { netlink, picture, protocol, logger } = this.#options;
    const present = picture.addresses.filter(({ ifindex }) => ifindex === link.ifindex);
    const former = present.filter(({ address, protocol: owner }) => {
      return address !== wanted && (owner === protocol || address === this.#added);
    });
    for (const { address } of former) netlink.removeHostAddress(link.ifindex, address);
    if (wanted === undefined || present.some(({ address }) => address === wanted)) {
      return former.length > 0;
    }
    try {
      netlink.addHostAddress(link.ifindex, wanted, protocol);
    } catch (error) {
      // Somebody was quicker than the event that tells of it.
      if (!(error instanceof NetlinkError && error.errno === Errno.exists)) throw error;
    }
    this.#added = wanted;
    logger.info({ device: link.name, address: wanted }, "gave the tunnel its address");
    return true;
  }

  #fail(problem: Problem): void {
    this.#ifindex = undefined;
    if (this.#problem?.text === problem.text) return;
    this.#problem = problem;
    this.#options.logger.error({ device: TUNNEL_DEVICE, remedy: problem.remedy }, problem.text);
  }
}

function noIpip(error: NetlinkError): Problem {
  return {
    errno: error.errno,
    text: `kernel has no ipip (${error.reason})`,
    remedy: "modprobe ipip, or encapsulation never",
  };
}
