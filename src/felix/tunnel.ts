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
import { newTunnelLink, type TunnelSpec } from "./tunnel-kind.ts";
import { VxlanPeers } from "./vxlan-peers.ts";

const UNDERLAY_MTU = 1500;

export interface TunnelOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly sysctl: Sysctl;
  readonly loadKernelModule: LoadKernelModule;
  /** Marks the address as ours. */
  readonly protocol: number;
  readonly logger: Logger;
  /** This node's own address of the underlay's IP version, if it has one. */
  readonly nodeAddress: string | undefined;
}

/** What the tunnel shall be like. */
export interface TunnelWish {
  /** Octets: the smallest MTU of the interfaces towards tunnelled next hops. */
  readonly underlayMtu: number | undefined;
  /** The node's own pod CIDRs. */
  readonly podCidrs: readonly Prefix[];
  /** Addresses of the nodes at the other ends. */
  readonly peers: readonly string[];
}

/** The tunnel's addresses: the first of the node's own first pod CIDR of each IP version that it carries. */
function tunnelAddresses(podCidrs: readonly Prefix[], spec: TunnelSpec): string[] {
  return spec.carries.flatMap((version) => {
    const first = podCidrs.find((prefix) => prefix.version === version);
    return first === undefined ? [] : [formatIpAddress(first.octets)];
  });
}

/** Keeps one tunnel device as it shall be: there, up, with the right MTU, addresses and, of VXLAN, peers. */
export class Tunnel {
  readonly spec: TunnelSpec;
  readonly #options: TunnelOptions;
  readonly #peers: VxlanPeers | undefined;
  #problem: Problem | undefined;
  #ifindex: number | undefined;
  #moduleAsked = false;
  /** Where the kernel does not keep an address's protocol, only this tells which are ours. */
  readonly #added = new Set<string>();
  /** What was put right after it had been right: the device, its addresses, its peers. */
  repairs = 0;

  constructor(spec: TunnelSpec, options: TunnelOptions) {
    this.spec = spec;
    this.#options = options;
    this.#peers = spec.kind === "vxlan" ? new VxlanPeers(options.netlink) : undefined;
  }

  /** The device's index once routes may lead through it. */
  get ifindex(): number | undefined {
    return this.#ifindex;
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** `false` once the kernel has said that it has no such tunnels, `undefined` while nobody has needed one. */
  get isSupported(): boolean | undefined {
    if (this.#options.picture.linkNamed(this.spec.device) !== undefined) return true;
    if (this.#ifindex !== undefined) return true;
    return this.#problem === undefined ? undefined : this.#problem.errno !== Errno.notSupported;
  }

  /** Makes the tunnel so, as far as it is not. Resolves to whether its index changed. Never rejects for the kernel's refusals. */
  async ensure(wish: TunnelWish): Promise<boolean> {
    const before = this.#ifindex;
    const problemBefore = this.#problem;
    try {
      const link = await this.#device();
      if (link !== undefined) {
        const changed = this.#configure(link, wish);
        const moved = (await this.#peers?.ensure(link.ifindex, wish.peers)) ?? 0;
        if (before === link.ifindex && changed) this.repairs++;
        if (changed || moved > 0) await this.#options.picture.load();
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
    const { picture, netlink, logger } = this.#options;
    const { device, linkKind } = this.spec;
    const link = picture.linkNamed(device) ?? (await this.#create());
    if (link?.kind !== undefined && link.kind !== linkKind) {
      const text = `${device} is of type ${link.kind}, not ${linkKind}`;
      this.#fail({ errno: undefined, text, remedy: `ip link delete ${device}` });
      return undefined;
    }
    if (link === undefined || !this.#isOutdated(link)) return link;
    // Neither can be changed: the node has another address now.
    logger.warn({ device }, "making the tunnel anew: it was made for another address");
    netlink.deleteLink(link.ifindex);
    await picture.load();
    return this.#create();
  }

  #isOutdated({ vxlan }: Link): boolean {
    const { nodeAddress } = this.#options;
    if (vxlan === undefined || nodeAddress === undefined) return false;
    const wanted = newTunnelLink(this.spec, nodeAddress).vxlan;
    return vxlan.id !== wanted?.id || vxlan.port !== wanted.port || vxlan.local !== wanted.local;
  }

  async #create(): Promise<Link | undefined> {
    const { picture, netlink, loadKernelModule, nodeAddress } = this.#options;
    const { device, linkKind, underlay } = this.spec;
    if (nodeAddress === undefined) {
      const text = `this node has no IPv${underlay} address to tunnel from`;
      this.#fail({ errno: undefined, text, remedy: undefined });
      return undefined;
    }
    for (;;) {
      try {
        netlink.createLink(newTunnelLink(this.spec, nodeAddress));
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        // Loading the module makes the device by itself, so that ours comes too late.
        if (error.errno !== Errno.exists) {
          if (error.errno !== Errno.notSupported) throw error;
          if (!this.#moduleAsked) {
            this.#moduleAsked = true;
            if (await loadKernelModule(linkKind)) continue;
          }
          this.#fail(unsupported(linkKind, error));
          return undefined;
        }
      }
      await picture.load();
      return picture.linkNamed(device);
    }
  }

  /** Brings the device to what it shall be; true when something was to be done. */
  #configure(link: Link, wish: TunnelWish): boolean {
    const { netlink, logger } = this.#options;
    const mtu = (wish.underlayMtu ?? UNDERLAY_MTU) - this.spec.overhead;
    const changes = !link.up || link.mtu !== mtu;
    if (changes) {
      netlink.changeLink(link.ifindex, { up: true, mtu });
      logger.info({ device: link.name, mtu }, "brought up the tunnel");
    }
    return this.#address(link, tunnelAddresses(wish.podCidrs, this.spec)) || changes;
  }

  #address(link: Link, wanted: readonly string[]): boolean {
    const { netlink, picture, protocol } = this.#options;
    const present = picture.addresses.filter(({ ifindex }) => ifindex === link.ifindex);
    const former = present.filter(({ address, protocol: owner }) => {
      return !wanted.includes(address) && (owner === protocol || this.#added.has(address));
    });
    for (const { address } of former) {
      netlink.removeHostAddress(link.ifindex, address);
      this.#added.delete(address);
    }
    const missing = wanted.filter((address) => present.every((one) => one.address !== address));
    for (const address of missing) this.#add(link, address);
    return former.length + missing.length > 0;
  }

  #add(link: Link, address: string): void {
    const { netlink, protocol, logger } = this.#options;
    try {
      netlink.addHostAddress(link.ifindex, address, protocol);
    } catch (error) {
      // Somebody was quicker than the event that tells of it.
      if (!(error instanceof NetlinkError && error.errno === Errno.exists)) throw error;
    }
    this.#added.add(address);
    logger.info({ device: link.name, address }, "gave the tunnel its address");
  }

  #fail(problem: Problem): void {
    this.#ifindex = undefined;
    if (this.#problem?.text === problem.text) return;
    this.#problem = problem;
    const { device } = this.spec;
    this.#options.logger.error({ device, remedy: problem.remedy }, problem.text);
  }
}

function unsupported(linkKind: string, error: NetlinkError): Problem {
  const other = linkKind === "vxlan" ? "tunnel: ipip" : "tunnel: vxlan";
  return {
    errno: error.errno,
    text: `kernel has no ${linkKind} (${error.reason})`,
    remedy: `modprobe ${linkKind}, or \`${other}\` on every node, or \`encapsulation: never\``,
  };
}
