import { formatIpAddress } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import { Errno, NetlinkError } from "../netlink/errno.ts";
import type { Link } from "../netlink/link.ts";
import type { Logger } from "../platform/logger.ts";
import { BackOff } from "./back-off.ts";
import { portText } from "./culprit.ts";
import { loosenReversePathFilter } from "./forwarding.ts";
import type { HeldGateways } from "./held-gateways.ts";
import { isPassing, type Problem, problemOf } from "./problem.ts";
import type { Sysctl } from "./sysctl.ts";
import { TunnelDevice, type TunnelDeviceOptions, TunnelTrouble } from "./tunnel-device.ts";
import type { TunnelSpec } from "./tunnel-kind.ts";
import { isTunnel } from "./tunnel-remains.ts";
import { VxlanPeers } from "./vxlan-peers.ts";

const UNDERLAY_MTU = 1500;
/** Between attempts at what the kernel was short of means for, from and to. */
const RETRY_MS = 250;
const RETRY_MAXIMUM_MS = 60_000;

export interface TunnelOptions extends TunnelDeviceOptions {
  readonly sysctl: Sysctl;
  /** Marks the address as ours. */
  readonly protocol: number;
  readonly logger: Logger;
  /** Has the tunnels looked at again after a while, which is asked for where they are not to be yet. */
  readonly retryAfter: (delayMs: () => number) => void;
}

/** What the tunnel shall be like. */
export interface TunnelWish {
  /** Octets: the smallest MTU of the interfaces towards tunnelled next hops. */
  readonly underlayMtu: number | undefined;
  /** The node's own pod CIDRs. */
  readonly podCidrs: readonly Prefix[];
  /** Addresses of the nodes at the other ends. */
  readonly peers: readonly string[];
  /** Some routes lead to link-local addresses of the other ends. */
  readonly linkLocal: boolean;
}

/** The tunnel's addresses: the first of the node's own first pod CIDR of each IP version that it carries. */
function tunnelAddresses(podCidrs: readonly Prefix[], spec: TunnelSpec): string[] {
  return spec.carries.flatMap((version) => {
    const first = podCidrs.find((prefix) => prefix.version === version);
    return first === undefined ? [] : [formatIpAddress(first.octets)];
  });
}

/** Keeps one tunnel as it shall be: its device, up, with the right settings, MTU, addresses and, of VXLAN, peers. */
export class Tunnel {
  readonly spec: TunnelSpec;
  readonly #options: TunnelOptions;
  readonly #device: TunnelDevice;
  readonly #peers: VxlanPeers | undefined;
  #problem: Problem | undefined;
  #ifindex: number | undefined;
  #lastWish: string | undefined;
  /** Port of the socket that last had a hand in it. */
  #culprit: number | undefined;
  /** The peers when it was last as it shall be. */
  #reached: ReadonlySet<string> = new Set();
  readonly #backOff = new BackOff(RETRY_MS, RETRY_MAXIMUM_MS);
  /** Where the kernel does not keep an address's protocol, only this tells which are ours. */
  readonly #added = new Set<string>();
  /** Times that something was put right after it had been right. */
  repairs = 0;

  constructor(spec: TunnelSpec, options: TunnelOptions) {
    this.spec = spec;
    this.#options = options;
    this.#device = new TunnelDevice(spec, options);
    this.#peers = spec.kind === "vxlan" ? new VxlanPeers(options.netlink) : undefined;
  }

  /** The device's index once routes may lead through it. */
  get ifindex(): number | undefined {
    return this.#ifindex;
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Must a new way to a node wait until the tunnel's problem is over? Ways that there were may stay. */
  isShortOf(address: string): boolean {
    return this.#problem !== undefined && !this.#reached.has(address);
  }

  /** `false` once the kernel has said that it has no such tunnels, `undefined` while nobody has needed one. */
  get isSupported(): boolean | undefined {
    if (this.#options.picture.linkNamed(this.spec.device) !== undefined) return true;
    if (this.#ifindex !== undefined) return true;
    return this.#problem === undefined ? undefined : this.#problem.errno !== Errno.notSupported;
  }

  /** Somebody else's socket changed something about it. */
  blame(portId: number): void {
    this.#culprit = portId;
  }

  /** Makes the tunnel so, as far as it is not. Resolves to whether its index changed. Never rejects for the kernel's refusals. */
  async ensure(wish: TunnelWish): Promise<boolean> {
    const before = this.#ifindex;
    const problemBefore = this.#problem;
    try {
      await this.#bring(wish);
      this.#problem = undefined;
      this.#reached = new Set(wish.peers);
      this.#backOff.reset();
    } catch (error) {
      this.#fail(error instanceof TunnelTrouble ? error.problem : problemOf(error));
    }
    return before !== this.#ifindex || problemBefore !== this.#problem;
  }

  /** No route is to lead through it: which entries of nodes it still has is left to `sweep`. */
  async rest(): Promise<void> {
    const { picture } = this.#options;
    const { device, linkKind } = this.spec;
    const link = picture.linkNamed(device);
    this.#reached = new Set();
    // It may be swept from now on: that it is made again is no repair.
    this.#lastWish = undefined;
    if (this.#peers === undefined || link?.kind !== linkKind || !isTunnel(link)) return;
    await this.#tidy(() => this.#peers?.ensure(link.ifindex, { peers: [], linkLocal: false }));
  }

  /** Takes away entries of nodes that nothing needs any more, nor a route that the kernel holds. */
  async sweep(held: () => HeldGateways): Promise<void> {
    if (this.#peers?.hasFormer === true) await this.#tidy(() => this.#peers?.sweep(held()));
  }

  async #tidy(work: () => Promise<number> | undefined): Promise<void> {
    const { logger } = this.#options;
    const { device } = this.spec;
    try {
      const entries = (await work()) ?? 0;
      if (entries > 0) logger.info({ device, entries }, "took away entries that no route needs");
    } catch (error) {
      const { errno = 0, text } = problemOf(error);
      if (errno === Errno.noDevice) return this.#peers?.forget();
      logger.error({ device }, text);
      if (isPassing(errno)) this.#retryLater();
    }
  }

  async #bring(wish: TunnelWish): Promise<void> {
    const { picture } = this.#options;
    const done: string[] = [];
    for (let isFirst = true; ; isFirst = false) {
      try {
        const link = await this.#device.ensure(done, this.#ifindex);
        await this.#configure(link, wish, done);
        if (done.length > 0) await picture.load();
        this.#tell(wish, done);
        this.#ifindex = link.ifindex;
        return;
      } catch (error) {
        // The device went, and the event that tells of it is still on its way.
        const isGone = error instanceof NetlinkError && error.errno === Errno.noDevice;
        if (!isGone || !isFirst) throw error;
        await picture.load();
      }
    }
  }

  async #configure(link: Link, wish: TunnelWish, done: string[]): Promise<void> {
    const { netlink, sysctl, logger } = this.#options;
    const mtu = (wish.underlayMtu ?? UNDERLAY_MTU) - this.spec.overhead;
    if (!link.up) done.push("up");
    if (link.mtu !== mtu) done.push(`MTU ${mtu}`);
    if (!link.up || link.mtu !== mtu) netlink.changeLink(link.ifindex, { up: true, mtu });
    this.#address(link, tunnelAddresses(wish.podCidrs, this.spec), done);
    const entries = (await this.#peers?.ensure(link.ifindex, wish)) ?? 0;
    if (entries > 0) done.push(`${entries} entries for other nodes`);
    if (await loosenReversePathFilter(sysctl, link.name, logger)) done.push("rp_filter 2");
  }

  #address(link: Link, wanted: readonly string[], done: string[]): void {
    const { netlink, picture, protocol } = this.#options;
    const present = picture.addresses.filter(({ ifindex }) => ifindex === link.ifindex);
    const former = present.filter(({ address, protocol: owner }) => {
      return !wanted.includes(address) && (owner === protocol || this.#added.has(address));
    });
    for (const address of wanted) {
      if (present.some((one) => one.address === address)) continue;
      this.#add(link, address);
      done.push(`address ${address}`);
    }
    // Last: with a device's only address the kernel drops every route through it.
    for (const { address } of former) {
      netlink.removeHostAddress(link.ifindex, address);
      this.#added.delete(address);
      done.push(`no address ${address}`);
    }
  }

  #add(link: Link, address: string): void {
    const { netlink, protocol } = this.#options;
    try {
      netlink.addHostAddress(link.ifindex, address, protocol);
    } catch (error) {
      // Somebody was quicker than the event that tells of it.
      if (!(error instanceof NetlinkError && error.errno === Errno.exists)) throw error;
    }
    this.#added.add(address);
  }

  /** Says what was done, and counts it where it had been right before and nobody wishes anything else. */
  #tell(wish: TunnelWish, done: readonly string[]): void {
    const { logger } = this.#options;
    const words = JSON.stringify(wish);
    const isRepair = this.#ifindex !== undefined && words === this.#lastWish;
    const by = this.#culprit === undefined ? "" : `: ${portText(this.#culprit)}`;
    this.#lastWish = words;
    this.#culprit = undefined;
    if (done.length === 0) return;
    const fields = { device: this.spec.device, done };
    if (!isRepair) return logger.info(fields, "made the tunnel as it is to be");
    this.repairs++;
    logger.warn(fields, `put right a tunnel that someone changed${by}`);
  }

  #fail(problem: Problem): void {
    const isMoment = problem.errno !== undefined && isPassing(problem.errno);
    const isThere = this.#options.picture.link(this.#ifindex ?? 0) !== undefined;
    // Of a moment's shortage nothing follows for the routes that lead through it.
    if (!isMoment || !isThere) this.#ifindex = undefined;
    if (isMoment) this.#retryLater();
    if (this.#problem?.text === problem.text) return;
    this.#problem = problem;
    const { device } = this.spec;
    this.#options.logger.error({ device, remedy: problem.remedy }, problem.text);
  }

  /** No event tells when the kernel has what it was short of. */
  #retryLater(): void {
    this.#options.retryAfter(() => this.#backOff.next());
  }
}
