import { Felix } from "../felix/felix.ts";
import { legacyTables } from "../felix/firewall/legacy.ts";
import { nftProgram } from "../felix/firewall/nft.ts";
import { procSysctl } from "../felix/sysctl.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { watchNftables } from "../netlink/nftables-watch.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { openPathProbe } from "../platform/path-probe.ts";
import { prefixesToOriginate } from "../topology/peers-wanted.ts";
import type { EventHub } from "./event-hub.ts";
import { FelixFeed } from "./feed/felix-feed.ts";
import { publishFelix } from "./felix-events.ts";
import { felixSettings, tunnelSettings } from "./felix-settings.ts";
import type { NodeFiles } from "./node-files.ts";
import { firewallConfig, nodeSubnets, poolPolicies } from "./pool-policies.ts";

export interface NodeProgrammerOptions {
  readonly files: Pick<NodeFiles, "config" | "cluster">;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Next hops that do not answer on their segment are these now. */
  readonly onSilence?: (silent: readonly string[]) => void;
}

/** The programmer of a node: what the node's and the cluster's files say of routes is its own to read, which routes there are it is told. */
export class NodeProgrammer {
  readonly felix: Felix;
  readonly feed: FelixFeed;
  readonly #options: NodeProgrammerOptions;
  readonly #netlink: Netlink;

  /** Throws `NetlinkError`. */
  constructor(options: NodeProgrammerOptions) {
    const { files, clock, logger, onSilence } = options;
    this.#options = options;
    this.#netlink = openKernelNetlink();
    this.feed = new FelixFeed(() => this.felix);
    this.felix = new Felix({
      ...felixSettings(files.config, files.cluster),
      isPictureWhole: () => this.feed.isWhole,
      ...(onSilence !== undefined && { onSilence }),
      netlink: this.#netlink,
      sysctl: procSysctl,
      nftables: { nft: nftProgram(), watch: watchNftables, legacyTables },
      openPathProbe,
      clock,
      logger,
    });
  }

  /** Adopts what is there. Rejects with `NetlinkError` when the kernel cannot be read. */
  async start(): Promise<void> {
    const { hub, clock } = this.#options;
    await this.felix.start();
    publishFelix(this.felix, hub, clock);
  }

  /** Takes up what the files say now. */
  apply(): void {
    const { config, cluster } = this.#options.files;
    this.felix.setLocalPrefixes(prefixesToOriginate(config, cluster));
    this.felix.setTunnelSettings(tunnelSettings(config));
    this.felix.setPoolPolicies(poolPolicies(config, cluster), config);
    this.felix.setFirewall(firewallConfig(config, cluster));
    this.felix.setNodeSubnets(nodeSubnets(cluster));
  }

  /** Ends. The kernel keeps our routes, save with `cleanup`. */
  async stop(options: { readonly cleanup: boolean }): Promise<void> {
    await this.felix.stop(options);
    this.#netlink.close();
  }
}
