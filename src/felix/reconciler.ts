import { setImmediate as nextTurn } from "node:timers/promises";
import type { Fib } from "../fib/fib.ts";
import type { NextHopObjects } from "../fib/next-hop-objects.ts";
import { isOurs } from "../fib/ownership.ts";
import type { PathTable } from "../fib/path.ts";
import type { Culprit } from "../fib/trouble.ts";
import type { IpVersion } from "../net/ip-address.ts";
import { ipv4Prefix, type Prefix } from "../net/prefix.ts";
import { NetlinkError } from "../netlink/errno.ts";
import { EVERY_LINK, linkOf, type Netlink, type NetlinkEvent } from "../netlink/netlink.ts";
import type { KernelRoute } from "../netlink/route.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { Alarm } from "./alarm.ts";
import type { HeldGateways } from "./held-gateways.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { Mtus } from "./mtu/mtus.ts";
import type { NeighbourWatch } from "./neighbour-watch.ts";
import type { NextHops } from "./next-hops.ts";
import type { ObjectKeeper } from "./object-keeper.ts";
import type { RouteOwner } from "./owner.ts";
import type { RouteProgrammer } from "./routes.ts";
import type { ResyncStatus } from "./status.ts";
import type { TunnelSweeper } from "./tunnel-sweeper.ts";
import type { Tunnels } from "./tunnels.ts";

export interface ReconcilerParts {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly fib: Fib<RouteOwner>;
  readonly paths: PathTable;
  readonly nextHops: NextHops;
  readonly keeper: ObjectKeeper;
  readonly objects: Pick<NextHopObjects, "leadThrough">;
  readonly neighbours: NeighbourWatch;
  readonly mtus: Mtus;
  readonly tunnels: Tunnels;
  readonly sweeper: TunnelSweeper;
  /** Tunnel devices that the configuration has a use for. */
  readonly usedTunnels: () => ReadonlySet<string>;
  readonly programmer: RouteProgrammer<RouteOwner>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly protocol: number;
  readonly table: number;
  /** Brings the rows of these routes, and the local ones, to what the next hops and addresses say now. */
  readonly rewire: () => void;
  /** Resolves when packets of strangers can come out of no tunnel that is about to be; `undefined` where none can. */
  readonly guarded: () => Promise<void> | undefined;
  /** This node's own pod CIDRs now. */
  readonly podCidrs: () => readonly Prefix[];
  readonly held: () => HeldGateways;
  /** What is to go has gone, as far as it may. */
  readonly onSwept: () => void;
  readonly onResync: (resync: ResyncStatus) => void;
  /** Once through all that was due: routes lead where they are to lead now. */
  readonly onPass: () => void;
  /** A route of another protocol stands where one is wanted. */
  readonly onConflict: (route: KernelRoute) => void;
}

/** The slow full comparison that would catch what no event told. */
const SAFETY_NET_MS = 300_000;
/** After a failure that left the kernel's state unknown. */
const RECOVERY_MS = 1_000;

/**
 * Keeps kernel and wishes the same. Events only mark what is due; one loop then does what is due, in the order in
 * which it matters: picture, routes there, next hops, tunnels with their entries for nodes, writing, and last what may go.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  #pictureDue = true;
  #scanDue: string | undefined = "start";
  #everyProtocol = true;
  #verdictsDue = true;
  #tunnelDue = true;
  #rewireDue = false;
  #mayDelete = false;
  #overflowed = false;
  /** Of the next hops, when the tunnels that they need were last seen to. */
  #tendedGeneration = -1;
  /** Of the next hops, when those that are to be watched were last told. */
  #watchedGeneration = -1;
  #scheduled = false;
  /** Somebody said during a pass that something is to be done, which the pass may have been past by then. */
  #againDue = false;
  #running: Promise<void> | undefined;
  #stopped = false;
  #waiting: (() => void)[] = [];
  #safetyNet: Timer | undefined;
  readonly #recovery: Alarm;
  readonly #retry: Alarm;
  readonly #doubt: Alarm;
  #sweep: Timer | undefined;
  readonly #tending: Alarm;
  #ending: (() => void) | undefined;
  overflows = 0;
  lastResync: ResyncStatus | undefined;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    const { clock, fib } = parts;
    this.#recovery = new Alarm(clock, () => this.kick());
    this.#retry = new Alarm(clock, () => {
      fib.retryFailed();
      this.kick();
    });
    this.#doubt = new Alarm(clock, () => this.reevaluate());
    this.#tending = new Alarm(clock, () => {
      this.#tunnelDue = true;
      this.kick();
    });
  }

  /** Listens, reads what is there and brings it in line. Rejects with `NetlinkError` when the kernel cannot be read. */
  async start(): Promise<void> {
    const { netlink, clock } = this.#parts;
    this.#ending = netlink.onEvent((event) => this.#onEvent(event));
    try {
      this.#running = this.#pass();
      await this.#running;
    } catch (error) {
      this.#stopped = true;
      this.#ending();
      throw error;
    } finally {
      this.#running = undefined;
    }
    this.#safetyNet = clock.after(SAFETY_NET_MS, () => {
      this.resync("safety net");
      this.#safetyNet?.restart();
    });
    this.kick();
  }

  /** Ends; what is being written is written to its end first. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ending?.();
    this.#parts.neighbours.close();
    this.#safetyNet?.cancel();
    this.#recovery.end();
    this.#retry.end();
    this.#doubt.end();
    this.#sweep?.cancel();
    this.#tending.end();
    await this.#running;
    this.#wake();
  }

  /**
   * Something is to be done: it is done once whoever says so has said all, together with all else that is due by then, and
   * before the event loop turns: a route need not wait for what else a turn brings.
   */
  kick(): void {
    this.#parts.programmer.wake();
    this.#schedule(queueMicrotask);
  }

  #schedule(later: (run: () => void) => void): void {
    this.#againDue = this.#running !== undefined;
    if (this.#scheduled || this.#stopped || this.#againDue) return;
    this.#scheduled = true;
    later(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  /** Reads everything anew, and tries again what failed. */
  resync(reason: string): void {
    this.#pictureDue = true;
    this.#everyProtocol = true;
    this.#verdictsDue = true;
    this.#scan(reason);
  }

  /** Tries again what the kernel refused, after a while, which is asked for where nothing is to be tried again yet. */
  retryAfter(delayMs: () => number): void {
    this.#retry.set(delayMs);
  }

  /** Looks at the tunnels again, after a while, likewise. */
  tendAfter(delayMs: () => number): void {
    this.#tending.set(delayMs);
  }

  /** Asks the next hops again, but not at once. */
  reevaluateLater(): void {
    this.#doubt.set(() => RECOVERY_MS);
  }

  /** Asks the next hops again, and what hangs on addresses. */
  reevaluate(): void {
    this.#verdictsDue = true;
    this.#tunnelDue = true;
    this.kick();
  }

  /** Routes are to name other next-hop objects than they did. */
  rewire(): void {
    this.#rewireDue = true;
    this.kick();
  }

  /** What nobody wants may go from now on. */
  allowDeletions(): void {
    this.#mayDelete = true;
    this.kick();
  }

  /** Sees to the tunnels and next-hop objects that the routes to be written next lead through; `undefined` when there is nothing to see to. */
  prepare(): Promise<void> | undefined {
    const { keeper } = this.#parts;
    return this.#hasNewNextHops || this.#rewireDue || keeper.isDue ? this.#prepare() : undefined;
  }

  /** Have next hops come since the tunnels were seen to? */
  get #hasNewNextHops(): boolean {
    return this.#parts.nextHops.generation !== this.#tendedGeneration;
  }

  async #prepare(): Promise<void> {
    const { keeper, nextHops, rewire } = this.#parts;
    if (this.#hasNewNextHops) await this.#tend();
    if (this.#rewireDue) rewire();
    this.#rewireDue = false;
    while (await keeper.flush()) {
      nextHops.renumber();
      rewire();
    }
  }

  /** Resolves when nothing is due and nothing is being written, or nothing can be for the moment. */
  settled(): Promise<void> {
    if (this.#stopped || this.#quiet) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  get #quiet(): boolean {
    return !this.#scheduled && this.#running === undefined && !this.#due;
  }

  get #due(): boolean {
    if (this.#recovery.isSet) return false;
    const { fib } = this.#parts;
    const reading = this.#pictureDue || this.#scanDue !== undefined || fib.ownersUnknown;
    const asked = this.#verdictsDue || this.#tunnelDue || this.#rewireDue || this.#againDue;
    return reading || asked || !fib.idle;
  }

  #scan(reason: string): void {
    this.#scanDue ??= reason;
    this.kick();
  }

  #run(): void {
    if (this.#stopped || this.#running !== undefined) return;
    this.#running = this.#pass()
      .catch((error: unknown) => this.#recover(error))
      .finally(() => {
        this.#running = undefined;
        // One pass behind the other, however much is due, would leave nobody else a turn.
        if (this.#due) this.#schedule(setImmediate);
        else this.#wake();
      });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Once through all that is due. */
  async #pass(): Promise<void> {
    const { picture, fib, programmer } = this.#parts;
    if (this.#recovery.isSet) return;
    this.#againDue = false;
    if (this.#pictureDue) {
      this.#pictureDue = false;
      await picture.load();
      this.#tunnelDue = true;
    }
    if (this.#scanDue !== undefined || fib.ownersUnknown) await this.#read();
    if (this.#verdictsDue) await this.#judge();
    await this.#tend();
    const uncertain = await programmer.program();
    if (uncertain !== undefined) throw uncertain;
    await this.#watch();
    this.#parts.mtus.look();
    this.#parts.onPass();
    if (!this.#mayDelete) return;
    await this.#parts.keeper.sweep();
    await this.#parts.tunnels.sweep(this.#parts.held);
    await this.#sweepTunnels();
    this.#parts.onSwept();
  }

  /** What no route leads through any more, and none may again, goes. */
  async #sweepTunnels(): Promise<void> {
    const { sweeper, usedTunnels, clock } = this.#parts;
    const leadsThrough = (ifindex: number): boolean => this.#leadsThrough(ifindex);
    const againMs = await sweeper.sweep(usedTunnels(), leadsThrough, clock.nowMs());
    this.#sweep?.cancel();
    this.#sweep = againMs === undefined ? undefined : clock.after(againMs, () => this.kick());
  }

  /** Reads the routes that are there. */
  async #read(): Promise<void> {
    const { netlink, fib, table, protocol, clock, mtus } = this.#parts;
    const reason = this.#scanDue ?? "a route of unknown owner";
    const everyProtocol = this.#everyProtocol || fib.ownersUnknown || fib.hasConflicts;
    const fromMs = clock.nowMs();
    let routes = 0;
    const versions = new Set<IpVersion>();
    this.#scanDue = undefined;
    this.#everyProtocol = false;
    await this.#parts.keeper.load();
    fib.beginScan();
    mtus.beginScan(everyProtocol);
    const filter = everyProtocol ? {} : { protocol };
    for (const version of [4, 6] as const) {
      const each = (route: KernelRoute): void => {
        if (isOurs(route.protocol, protocol)) routes++;
        this.#sawRoute(route, false);
      };
      const alike = (route: KernelRoute, addresses: Int32Array): void => {
        if (isOurs(route.protocol, protocol)) routes += addresses.length;
        this.#sawAlike(route, addresses);
      };
      const before = routes;
      await netlink.dumpRoutes({ version, table, ...filter }, each, alike);
      if (routes > before) versions.add(version);
    }
    await nextTurn();
    fib.endScan(everyProtocol);
    mtus.endScan();
    await nextTurn();
    const durationMs = clock.nowMs() - fromMs;
    this.lastResync = { reason, wallMs: clock.wallMs(), durationMs, routes, versions };
    this.#parts.onResync(this.lastResync);
  }

  async #judge(): Promise<void> {
    const { nextHops, fib, mtus } = this.#parts;
    this.#verdictsDue = false;
    await nextHops.reevaluate();
    mtus.markDue();
    fib.retryFailed();
    await nextTurn();
    this.#parts.rewire();
  }

  /** The tunnels that are needed and not known to be as they shall. */
  async #tend(): Promise<void> {
    const { tunnels, nextHops, podCidrs, guarded } = this.#parts;
    await guarded();
    // Of a thousand next hops it is not to be asked for every route what they need.
    if (!this.#tunnelDue && !this.#hasNewNextHops) return;
    let due = this.#tunnelDue;
    this.#tunnelDue = false;
    // A tunnel that cannot be may mean that another is needed instead.
    for (let round = 0; round <= tunnels.all.length; round++) {
      this.#tendedGeneration = nextHops.generation;
      if (!(await tunnels.ensure(nextHops.tunnelNeeds(), podCidrs(), due))) return;
      due = false;
      await this.#judge();
    }
  }

  /** Watches whether the next hops beside us answer. */
  async #watch(): Promise<void> {
    const { nextHops, neighbours } = this.#parts;
    const { generation } = nextHops;
    if (this.#overflowed) await neighbours.refresh();
    this.#overflowed = false;
    if (generation === this.#watchedGeneration) return;
    await neighbours.watch(nextHops.straight());
    this.#watchedGeneration = generation;
  }

  /** The kernel could not be read, or what became of a batch is unknown: everything is read anew, but not at once. */
  #recover(error: unknown): void {
    if (!(error instanceof NetlinkError)) throw error;
    const { logger } = this.#parts;
    logger.error(
      { errno: error.errno },
      `netlink failed, reading everything anew: ${error.message}`,
    );
    this.#pictureDue = true;
    this.#everyProtocol = true;
    this.#scanDue = "netlink failed";
    this.#recovery.set(() => RECOVERY_MS);
  }

  #onEvent(event: NetlinkEvent): void {
    if (event.kind === "route") this.#onRoute(event);
    else if (event.kind === "next-hop") {
      // A group is refused while a member is missing that somebody is about to delete.
      if (this.#parts.keeper.onEvent(event)) this.reevaluate();
    } else if (event.kind === "overflow") {
      this.overflows++;
      this.#overflowed = true;
      this.resync("events were lost");
    } else this.#onSurroundings(event);
  }

  #onSurroundings(event: NetlinkEvent): void {
    const tunnel = this.#parts.tunnels.ofLink(linkOf(event));
    if (tunnel !== undefined && "portId" in event && event.portId !== 0) tunnel.blame(event.portId);
    if (event.kind === "neighbour" && event.op === "new") {
      this.#parts.neighbours.heard(event.neighbour);
    }
    if (event.kind === "neighbour" || event.kind === "setting") {
      if (tunnel === undefined && linkOf(event) !== EVERY_LINK) return;
      this.#tunnelDue = true;
      return this.kick();
    }
    const change = this.#parts.picture.apply(event);
    if (change.routesLost && this.#mayHaveLost(event)) {
      const what = event.kind === "link" ? `link ${event.link.name} changed` : "an address went";
      this.#scan(what);
    }
    if (change.links || change.addresses) this.reevaluate();
  }

  /**
   * May routes that matter have gone with it, or objects that routes are about to lead through? Not where none of ours leads
   * through the link, nor any that stands in our way.
   */
  #mayHaveLost(event: NetlinkEvent): boolean {
    if (event.kind !== "link" || this.#parts.fib.hasConflicts) return true;
    const { ifindex } = event.link;
    return this.#leadsThrough(ifindex) || this.#parts.objects.leadThrough(ifindex);
  }

  /** Does a route of ours that is in the kernel lead through this link? */
  #leadsThrough(ifindex: number): boolean {
    return this.#parts.held().has(ifindex);
  }

  #onRoute(event: NetlinkEvent & { readonly kind: "route" }): void {
    const { fib, nextHops, protocol, table, mtus } = this.#parts;
    const { route } = event;
    const ours = isOurs(route.protocol, protocol);
    if (!ours && nextHops.concernedBy(route.prefix)) this.reevaluate();
    if (route.table !== table) return;
    const culprit = { protocol: route.protocol, portId: event.portId };
    if (event.op === "new") this.#sawRoute(route, event.replaced, culprit);
    else if (ours) fib.lostOurs(route.prefix, route.metric, culprit);
    else {
      fib.lostForeign(route.prefix, route.metric);
      mtus.lostForeign(route.prefix);
    }
    if (!fib.idle || fib.ownersUnknown) this.kick();
  }

  /** More routes of a list, like the one before but for their addresses. */
  #sawAlike(route: KernelRoute, addresses: Int32Array): void {
    const { fib, paths, protocol } = this.#parts;
    const { metric, prefix } = route;
    if (isOurs(route.protocol, protocol)) {
      fib.sawOursAlike(addresses, prefix.length, metric, paths.intern(route));
      return;
    }
    for (const address of addresses) {
      this.#sawRoute({ ...route, prefix: ipv4Prefix(address, prefix.length) }, false);
    }
  }

  #sawRoute(route: KernelRoute, tookPlace: boolean, culprit?: Culprit): void {
    const { fib, paths, protocol, onConflict, mtus } = this.#parts;
    const { prefix, metric } = route;
    if (isOurs(route.protocol, protocol)) {
      mtus.sawOurs(route);
      fib.sawOurs(prefix, metric, paths.intern(route), tookPlace, culprit);
      return;
    }
    if (mtus.sawForeign(route)) this.kick();
    if (fib.sawForeign(prefix, metric, route, tookPlace, culprit)) onConflict(route);
  }
}
