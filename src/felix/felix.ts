import { Fib } from "../fib/fib.ts";
import { NextHopObjects } from "../fib/next-hop-objects.ts";
import { PathTable } from "../fib/path.ts";
import type { Prefix } from "../net/prefix.ts";
import { isBarred } from "./barred.ts";
import { Beside } from "./beside.ts";
import { cleanUp } from "./cleanup.ts";
import { type EntryContext, entryOf, isHopeless, throughObject } from "./entry.ts";
import { explainAddress, type FelixExplanation } from "./explain.ts";
import { FirewallFeed } from "./firewall/firewall-feed.ts";
import type { FirewallConfig } from "./firewall/wish.ts";
import { ForwardingKeeper } from "./forwarding-keeper.ts";
import { type HeldGateways, heldGateways } from "./held-gateways.ts";
import type { RouteIntent } from "./intent.ts";
import { modprobe } from "./kernel-module.ts";
import { KernelPicture } from "./kernel-picture.ts";
import { LOCAL_METRIC } from "./local.ts";
import { LocalRoutes } from "./local-routes.ts";
import { PathMtus } from "./mtu/path-mtus.ts";
import { Mtus } from "./mtu/mtus.ts";
import { NeighbourWatch } from "./neighbour-watch.ts";
import { NextHops } from "./next-hops.ts";
import { ObjectKeeper } from "./object-keeper.ts";
import { type FelixOptions, nodeAddressesOf, policiesOf } from "./options.ts";
import { findPodCidrOverlaps, type PodCidrOverlap } from "./overlaps.ts";
import type { RouteOwner } from "./owner.ts";
import { nameProtocol, RT_PROTOS_DIRECTORY } from "./protocol-name.ts";
import { Reconciler } from "./reconciler.ts";
import { PoolPolicies, type PathPolicy, policyKey, type PoolPolicy } from "./pool-policy.ts";
import { RemovalGuard } from "./removal-guard.ts";
import { Reporter } from "./reporter.ts";
import { SegmentClaims } from "./segment-claims.ts";
import { RouteProgrammer } from "./routes.ts";
import type { FelixEvent, FelixStatus, FibEntry, ResyncStatus, TunnelStatus } from "./status.ts";
import { standingTunnels } from "./standing-tunnels.ts";
import { tunnelStatus } from "./tunnel-status.ts";
import { defaultTunnelSettings, type TunnelSettings } from "./tunnel-kind.ts";
import { TunnelSweeper } from "./tunnel-sweeper.ts";
import { Tunnels } from "./tunnels.ts";

/** rtm_protocol of routes that the kernel makes itself, for its own addresses: never to be taken. */
const KERNEL_PROTOCOL = 2;
/** IP6_RT_PRIO_USER: what the kernel makes of no metric. */
const IPV6_METRIC = 1024;
const TUNNEL_LINGER_MS = 10_000;
/** RFC 8899 §5.1.1, PMTU_RAISE_TIMER. */
const PROBE_INTERVAL_SECONDS = 600;

/**
 * The programmer: is told which prefixes lie behind which nodes, and keeps the kernel's routes so, straight or through
 * the tunnel, against whoever changes them. Losing what told it changes nothing: routes go only by `removeRoute`, and
 * those of an earlier life only after `pictureComplete`.
 */
export class Felix {
  readonly #options: FelixOptions;
  /** Of `#options`, which one asks for of every route, and whose shape is its caller's business. */
  readonly #metric: number;
  readonly #fib: Fib<RouteOwner>;
  readonly #picture: KernelPicture;
  readonly #tunnels: Tunnels;
  readonly #nextHops: NextHops;
  readonly #claims: SegmentClaims;
  readonly #keeper: ObjectKeeper;
  readonly #pathMtus: PathMtus;
  readonly #mtus: Mtus;
  readonly #reconciler: Reconciler;
  readonly #context: EntryContext;
  readonly #reporter: Reporter;
  readonly #guard: RemovalGuard;
  readonly #beside: Beside;
  readonly #firewall: FirewallFeed | undefined;
  readonly #forwarding: ForwardingKeeper;
  #policies: PoolPolicies;
  #podCidrs: readonly Prefix[];
  readonly #local: LocalRoutes;
  /** `undefined` when it is to be looked at again. */
  #overlaps: readonly PodCidrOverlap[] | undefined;
  #pictureComplete = false;
  #adopted: Pick<ResyncStatus, "routes" | "versions"> = { routes: 0, versions: new Set() };

  constructor(options: FelixOptions) {
    const { netlink, sysctl, protocol, table, metric, clock } = options;
    const logger = options.logger.child({ room: "felix" });
    this.#options = { ...options, logger };
    this.#metric = metric;
    this.#podCidrs = options.podCidrs;
    const guard = new RemovalGuard(this.#options);
    this.#guard = guard;
    const picture = new KernelPicture(netlink);
    this.#picture = picture;
    const mayTake = (route: { readonly protocol: number }): boolean =>
      options.conflicts === "take" && route.protocol !== KERNEL_PROTOCOL;
    const fib = new Fib<RouteOwner>(metric, {
      mayRemove: (due, held) => guard.mayRemove(due, held),
      mayTake,
      mayStay: (want, path) => !isBarred(want, throughObject(path, this.#context), picture),
    });
    this.#fib = fib;
    const beside = new Beside(fib, options);
    this.#beside = beside;
    const loadKernelModule = options.loadKernelModule ?? modprobe;
    const nodeAddresses = nodeAddressesOf(options);
    const tunnels = new Tunnels(
      {
        ...{ netlink, picture, sysctl, loadKernelModule, protocol, logger },
        retryAfter: (delayMs) => this.#reconciler.tendAfter(delayMs),
      },
      nodeAddresses,
      options.tunnelSettings ?? defaultTunnelSettings,
    );
    this.#tunnels = tunnels;
    const lingerMs = options.tunnelLingerMs ?? TUNNEL_LINGER_MS;
    this.#policies = policiesOf(options);
    const paths = new PathTable();
    this.#local = new LocalRoutes({ fib, paths, picture });
    const objects = new NextHopObjects(protocol);
    this.#claims = new SegmentClaims(nodeAddresses);
    const neighbours = new NeighbourWatch({
      ...{ netlink, clock, logger },
      deviceName: (ifindex) => picture.deviceName(ifindex),
      onChange: () => this.#reconciler.reevaluate(),
      ...(options.onSilence !== undefined && { onSilence: options.onSilence }),
    });
    const pathMtus = new PathMtus({
      settings: options.mtu ?? { probe: "auto", intervalSeconds: PROBE_INTERVAL_SECONDS },
      openProbe: options.openPathProbe,
      timeoutMs: options.pathProbeTimeoutMs,
      ...{ clock, logger },
      onChange: () => this.#pathMtusChanged(),
    });
    this.#pathMtus = pathMtus;
    const nextHops = new NextHops({
      ...{ netlink, picture, tunnels, paths, objects, pathMtus },
      ...{ protocol, nodeAddresses, neighbours, claims: this.#claims },
      onDoubt: () => this.#reconciler.reevaluateLater(),
      onMembers: () => this.#firewall?.updateSoon(),
    });
    this.#nextHops = nextHops;
    this.#firewall = this.#firewallFeed(nodeAddresses);
    this.#forwarding = new ForwardingKeeper({
      ...{ sysctl, netlink, picture, clock, logger },
      groups: () => nextHops.groups(),
      podInterfaces: () => this.#mtus.podInterfaces,
    });
    const mtus = new Mtus({
      ...{ picture, tunnels, logger, paths: pathMtus },
      podCidrs: () => this.#podCidrs,
      groups: () => nextHops.groups(),
      revision: () => nextHops.revision,
    });
    this.#mtus = mtus;
    const deviceName = (ifindex: number): string => picture.deviceName(ifindex);
    const hopsOf: EntryContext["hopsOf"] = (id) => objects.hops(id);
    this.#context = { protocol, deviceName, hopsOf, mtu: mtus.context, beside };
    const choice = options.nextHopObjects ?? "never";
    const keeper = new ObjectKeeper({
      ...{ objects, choice, netlink, fib, protocol, deviceName, logger },
    });
    this.#keeper = keeper;
    const retryAfter = (delayMs: () => number): void => this.#reconciler.retryAfter(delayMs);
    const reporter = new Reporter({
      ...{ ...this.#context, fib, clock, logger, retryAfter, mayTake },
    });
    this.#reporter = reporter;
    this.#reconciler = new Reconciler({
      netlink,
      picture,
      fib,
      paths,
      nextHops: this.#nextHops,
      ...{ keeper, objects, mtus, tunnels },
      neighbours,
      sweeper: new TunnelSweeper({ netlink, picture, protocol, logger, lingerMs }),
      usedTunnels: () => tunnels.usedBy(this.#policies.all()),
      programmer: new RouteProgrammer(
        fib,
        netlink,
        { protocol, table },
        (change, outcome) => {
          reporter.changed(change, outcome);
          beside.settled(change, outcome);
        },
        () => this.#reconciler.prepare(),
      ),
      clock,
      logger,
      protocol,
      table,
      rewire: () => this.#rewire(),
      guarded: () => this.#firewall?.guarded(),
      podCidrs: () => this.#podCidrs,
      held: () => this.#held(),
      onPass: () => this.#forwarding.follow(),
      onSwept: () => this.#firewall?.letGo(),
      onResync: ({ reason, routes }) => {
        reporter.tell({ kind: "resync", reason, routes });
        void this.#forwarding.lookAtAll();
      },
      onConflict: (route) => {
        reporter.conflict(route);
        beside.follow(route.prefix, route.metric);
      },
    });
  }

  /** rtm_protocol of our routes. */
  get protocol(): number {
    return this.#options.protocol;
  }

  /**
   * Reads and adopts what the kernel has, switches forwarding on, and puts the local routes in. Rejects with
   * `NetlinkError` when the kernel cannot be read.
   */
  async start(): Promise<void> {
    const { logger, protocol, rtProtosDirectory, podPools } = this.#options;
    await nameProtocol(protocol, rtProtosDirectory ?? RT_PROTOS_DIRECTORY);
    await this.#forwarding.lookAtAll();
    await this.#reconciler.start();
    void this.#firewall?.adopt();
    if ([...podPools, ...this.#podCidrs].some(isIpv6)) await this.#forwarding.wantIpv6();
    this.#adopted = this.#reconciler.lastResync ?? this.#adopted;
    logger.info({ routes: this.#adopted.routes }, "adopted the routes of an earlier life");
  }

  /** Wants a route, from the next turn on; the same prefix again replaces it. */
  setRoute(intent: RouteIntent): void {
    const { prefix, nextHops, claims } = intent;
    if (this.#claims.set(prefix, claims)) this.#reconciler.reevaluate();
    this.#want(prefix, nextHops);
  }

  #want(prefix: Prefix, nextHops: readonly string[]): void {
    const policy = this.#policies.of(prefix);
    const group = this.#nextHops.acquire(nextHops, policy, prefix.version);
    const metric = this.#metricOf(prefix);
    const before = this.#fib.want(prefix, metric, group.owner, group.path);
    this.#beside.follow(prefix, metric);
    if (before?.kind === "remote" && this.#nextHops.release(before.group, group)) {
      this.#reconciler.rewire();
    }
    if (before !== group.owner) this.#overlaps = undefined;
    this.#reconciler.kick();
  }

  /** Wants a route no more: it is deleted, though not before the picture is complete. */
  removeRoute(prefix: Prefix): void {
    const metric = this.#metricOf(prefix);
    const want = this.#fib.row(prefix, metric)?.want;
    if (want?.kind !== "remote") return;
    if (this.#claims.set(prefix)) this.#reconciler.reevaluate();
    this.#nextHops.release(want.group);
    this.#fib.unwant(prefix, metric);
    this.#beside.unwant(prefix);
    this.#overlaps = undefined;
    this.#reconciler.kick();
  }

  /** The node's own pod CIDRs are these now: their `unreachable` routes and the tunnel's address follow. */
  setLocalPrefixes(podCidrs: readonly Prefix[]): void {
    this.#podCidrs = podCidrs;
    this.#reconciler.reevaluate();
    if (podCidrs.some(isIpv6)) void this.#forwarding.wantIpv6();
  }

  /** How pools are reached is this now: routes move from one way to the other without a moment in between. */
  setPoolPolicies(poolPolicies: readonly PoolPolicy[], otherwise: PathPolicy): void {
    if (this.#policies.equal(poolPolicies, otherwise)) return;
    this.#policies = new PoolPolicies(poolPolicies, otherwise);
    void this.#firewall?.update();
    for (const { prefix, want } of [...this.#fib.rows()]) {
      if (want?.kind !== "remote") continue;
      if (policyKey(want.group.policy) === policyKey(this.#policies.of(prefix))) continue;
      const nextHops = want.group.ways.map(({ nextHop }) => nextHop.address);
      this.#want(prefix, nextHops);
    }
    this.#reconciler.reevaluate();
  }

  /** What tunnels are like is this now; routes move from one to the other as with policies. */
  setTunnelSettings(settings: TunnelSettings): void {
    if (this.#tunnels.configure(settings)) this.#reconciler.reevaluate();
  }

  /** The subnets that other nodes say they are in, by their address: the verdict is then the same on both ends. */
  setNodeSubnets(subnets: ReadonlyMap<string, Prefix>): void {
    if (this.#nextHops.setSubnets(subnets)) this.#reconciler.reevaluate();
  }

  /** All that is to be wanted is wanted: what is left of an earlier life is swept. */
  pictureComplete(): void {
    if (this.#pictureComplete) return;
    this.#pictureComplete = true;
    const stale = this.#fib.allowDeletions();
    this.#options.logger.info(
      { routes: stale },
      "the picture is complete, sweeping what nobody wants",
    );
    this.#reconciler.allowDeletions();
  }

  /** Those who tell of routes have come, gone or told more: removals that were frozen are looked at again. */
  pictureChanged(): void {
    if (this.#fib.frozenDeletions === 0) return;
    this.#fib.askAgain();
    this.#reconciler.kick();
  }

  /** A person says that the removals that are frozen are meant. Resolves to how many routes went. */
  async confirmRemovals(): Promise<number> {
    const routes = this.#fib.frozenDeletions;
    if (routes === 0) return 0;
    this.#options.logger.warn({ routes }, "removing the routes that were kept, as confirmed");
    const { removals } = this.#reporter;
    this.#guard.confirm(routes);
    this.pictureChanged();
    await this.settled();
    this.#guard.withdraw();
    return this.#reporter.removals - removals;
  }

  /** The firewall shall be as follows from this now. */
  setFirewall(config: FirewallConfig): void {
    void this.#firewall?.configure(config);
  }

  /** Resolves when nothing is due and nothing is being written. */
  async settled(): Promise<void> {
    await this.#reconciler.settled();
    await this.#firewall?.settled();
    await this.#forwarding.settled();
  }

  status(): FelixStatus {
    const { protocol, table, metric, encapsulation } = this.#options;
    return {
      protocol,
      table,
      metric,
      encapsulation,
      counts: this.#fib.countStates(isHopeless),
      forwarding: this.#forwarding.status,
      ipv6Forwarding: this.#forwarding.ipv6Status,
      tunnels: this.#tunnelStatus(),
      local: this.#local.decisions,
      adopted: this.#adopted.routes,
      adoptedVersions: this.#adopted.versions,
      pictureComplete: this.#pictureComplete,
      overlaps: this.#podCidrOverlaps(),
      mtu: this.#mtus.status(),
      frozenRemovals: this.#fib.frozenDeletions,
      lost: this.#nextHops.lost(),
      repairs: this.#repairs,
      overflows: this.#reconciler.overflows,
      firewall: this.#firewall?.status(),
      lastResync: this.#reconciler.lastResync,
    };
  }

  /** Every route that is wanted or ours, in no order. */
  *routes(): Generator<FibEntry> {
    for (const row of this.#fib.rows()) yield entryOf(row, this.#context);
  }

  /** The entry of a prefix: the one that is wanted for pods, or else the node's own. */
  entry(prefix: Prefix): FibEntry | undefined {
    for (const metric of [this.#metricOf(prefix), LOCAL_METRIC]) {
      const row = this.#fib.row(prefix, metric);
      if (row !== undefined) return entryOf(row, this.#context);
    }
    return undefined;
  }

  /** Where packets to an address go, and why. Rejects with `TypeError` when the text is no address. */
  async explain(address: string): Promise<FelixExplanation> {
    const { netlink, podPools } = this.#options;
    await this.settled();
    return explainAddress(address, {
      ...this.#context,
      ...{ fib: this.#fib, netlink, podPools, podCidrs: this.#podCidrs },
      metrics: this.#metrics,
      firewall: this.#firewall?.status(),
    });
  }

  /** Tells what happens to routes, while `cares` says so; returns what ends it. */
  onChange(listener: (event: FelixEvent) => void, cares: () => boolean = () => true): () => void {
    return this.#reporter.listen(listener, cares);
  }

  /** Ends. The kernel keeps our routes and the tunnel, save with `cleanup`. Does not close the netlink. */
  async stop(options: { readonly cleanup: boolean }): Promise<void> {
    this.#pathMtus.stop();
    await this.#reconciler.stop();
    await this.#forwarding.stop();
    await this.#firewall?.stop();
    if (!options.cleanup) return;
    const { netlink, protocol, logger, sysctl, nftables } = this.#options;
    const nft = nftables?.nft;
    const { routes } = await cleanUp({ netlink, protocol, sysctl, nft, dryRun: false });
    logger.info({ routes: routes.length }, "removed our routes");
  }

  #firewallFeed(nodeAddresses: Readonly<Partial<Record<4 | 6, string>>>): FirewallFeed | undefined {
    const { firewall, nftables, clock, logger } = this.#options;
    if (firewall === undefined || nftables === undefined) return undefined;
    const parts = {
      ...{ ...nftables, clock, logger },
      nodeAddresses: Object.values(nodeAddresses),
      policies: () => this.#policies,
      nextHops: () => this.#nextHops.addresses(),
      standingTunnels: () => standingTunnels(this.#picture, this.#options.protocol),
      revision: () => this.#picture.revision,
      held: () => this.#held(),
      isPictureComplete: () => this.#pictureComplete,
    };
    return new FirewallFeed(parts, firewall);
  }

  #held(): HeldGateways {
    return heldGateways(this.#fib, (path) => this.#keeper.hopsOf(path));
  }

  /** The routes to whom they lead bear it, or bear it no more. */
  #pathMtusChanged(): void {
    this.#nextHops.renumber();
    this.#reconciler.rewire();
  }

  #rewire(): void {
    this.#local.decide(this.#podCidrs);
    this.#overlaps = undefined;
    this.#fib.lead((want, path) => (want.kind === "remote" ? want.group.path : path));
  }

  #podCidrOverlaps(): readonly PodCidrOverlap[] {
    const { podPools } = this.#options;
    this.#overlaps ??= findPodCidrOverlaps(this.#fib, this.#metrics, podPools);
    return this.#overlaps;
  }

  get #repairs(): number {
    const all = [this.#reporter, this.#keeper, this.#tunnels, this.#forwarding];
    return all.reduce((sum, { repairs }) => sum + repairs, 0);
  }

  /** Of routes in their own places. */
  get #metrics(): number[] {
    return [this.#metric, IPV6_METRIC, LOCAL_METRIC];
  }

  #tunnelStatus(): TunnelStatus[] {
    const needs = this.#nextHops.tunnelNeeds();
    return this.#tunnels.all.map((tunnel) =>
      tunnelStatus(tunnel, needs.has(tunnel), this.#picture),
    );
  }

  /** An IPv6 route without a metric has the kernel's. */
  #metricOf({ version }: Prefix): number {
    return version === 6 && this.#metric === 0 ? IPV6_METRIC : this.#metric;
  }
}

function isIpv6({ version }: Prefix): boolean {
  return version === 6;
}
