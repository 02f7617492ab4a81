import { ArrivalLog } from "./arrival-log.ts";
import { Checker } from "./checker.ts";
import { Client } from "./client.ts";
import { type Announcements, buildLoads, countUpdates, type Load, singleLoad } from "./load.ts";
import { type Plan, announcementsOf, peersOf } from "./plan.ts";
import { type ProcessUsage, usageOf } from "./process-usage.ts";
import type { Latency, Phase, PhaseName, Report } from "./report.ts";
import { quantile } from "../statistics.ts";

/** Octets that may wait to be checked while more keeps coming. */
const maximumBacklogOctets = 512 << 20;
/** What came is checked once nothing has come for so long: while the daemon works it shall have the processors. */
const quietMs = 10;
/** How long checking may keep us from reading. */
const sliceMs = 0.5;
const reconnectMs = 1000;
const keepaliveMs = 60_000;
/** Connects under way at a time while nothing is measured: fewer than would overrun a short listen queue for long. */
const connectsAtATime = 32;
/** A single change that takes longer is not waited for. */
const changeTimeoutMs = 10_000;

interface Span {
  readonly startMs: number;
  readonly usage: ProcessUsage;
  readonly cpu: NodeJS.CpuUsage;
  readonly checkSeconds: number;
  readonly updates: number;
}

/** Plays all the peers of one daemon, and measures. */
export class Tester {
  readonly #plan: Plan;
  readonly #announcements: Announcements;
  readonly #loads: readonly Load[];
  readonly #checker: Checker;
  readonly #log: ArrivalLog;
  readonly #clients: readonly Client[];
  readonly #phases: Phase[] = [];
  /** Clients whose sessions are wanted: those below this index. */
  #wanted = 0;
  #established = 0;
  #establishedAtMs = 0;
  /** Do clients announce as soon as their sessions are Established? */
  #announcesAtOnce = false;
  #lastArrivalMs = 0;
  #isCheckDue = false;
  /** CPU time spent on checking. */
  #checkSeconds = 0;
  #awaited: { readonly isMet: () => boolean; readonly resolve: () => void } | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#announcements = announcementsOf(plan.steps);
    const peers = peersOf(plan.steps);
    const { ofSenders, sets } = buildLoads(this.#announcements);
    this.#loads = ofSenders;
    this.#checker = new Checker(this.#announcements, peers, sets);
    this.#log = new ArrivalLog(Math.min(maximumBacklogOctets, expectedOctets(ofSenders, peers)));
    this.#clients = Array.from({ length: peers }, (_, index) => {
      return new Client(index, plan.target, {
        established: (client) => this.#onEstablished(client),
        received: (client, octets) => this.#onReceived(client, octets),
        failed: (client, wasEstablished) => this.#onFailed(client, wasEstablished),
      });
    });
  }

  async run(): Promise<Report> {
    const keepalives = setInterval(() => {
      for (const client of this.#clients) if (client.isEstablished) client.sendKeepalive();
    }, keepaliveMs);
    let failure: string | undefined;
    try {
      await this.#steps();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure = error.message;
    }
    clearInterval(keepalives);
    const { peakRssOctets } = usageOf(this.#plan.pid);
    const { violations, notes } = this.#checker;
    const report = {
      phases: this.#phases,
      peakRssOctets,
      violations,
      notes,
      ...(failure !== undefined && { failure }),
    };
    this.#wanted = 0;
    for (const client of this.#clients) client.close();
    return report;
  }

  async #steps(): Promise<void> {
    const { steps } = this.#plan;
    if (steps.kind === "storm") {
      this.#announcesAtOnce = true;
      await this.#settle();
      return this.#measure("storm", () => this.#connectOver(0, steps.overSeconds));
    }
    await this.#bringUp(steps.kind === "join" ? steps.senders : this.#clients.length);
    await this.#settle(this.#plan.greetingSeconds);
    await this.#measure("announce", () => this.#sendAll("announce"));
    await this.#settle();
    if (steps.kind === "exchange") await this.#withdraw();
    if (steps.kind === "churn") await this.#churn(steps.events, steps.perSecond);
    if (steps.kind === "join") {
      await this.#measure("join", () => this.#connectOver(steps.senders, steps.overSeconds));
    }
  }

  async #withdraw(): Promise<void> {
    await this.#measure("withdraw", () => this.#sendAll("withdraw"), "none");
  }

  /** All sessions up, before anything is announced. @throws Failure when that does not come in time */
  async #bringUp(count: number): Promise<void> {
    this.#wanted = count;
    const span = this.#begin();
    const connect = (): void => {
      let connecting = 0;
      for (const client of this.#clients.slice(0, count)) {
        if (client.isIdle && connecting < connectsAtATime) client.connect();
        if (!client.isIdle && !client.isEstablished) connecting++;
      }
    };
    const timer = setInterval(connect, 1);
    const isUp = await this.#until(() => this.#established === count, this.#timeoutMs);
    clearInterval(timer);
    const established = this.#established;
    this.#phases.push({
      name: "connect",
      ...(isUp && { seconds: (this.#establishedAtMs - span.startMs) / 1000 }),
      ...{ clients: count, established, complete: established },
      ...this.#used(span),
    });
    if (!isUp) throw new Failure(`${established} of ${count} sessions came up`);
  }

  /** Connects clients `from` and up, evenly over a time; those that fail try again a second later. */
  #connectOver(from: number, overSeconds: number): void {
    const startMs = performance.now();
    const clients = this.#clients.slice(from);
    const everyMs = (overSeconds * 1000) / clients.length;
    this.#wanted = this.#clients.length;
    let next = 0;
    const connectDue = (): void => {
      const due = everyMs === 0 ? clients.length : (performance.now() - startMs) / everyMs;
      for (; next < due && next < clients.length; next++) clients[next]?.connect();
      if (next < clients.length) setTimeout(connectDue, 1);
    };
    connectDue();
  }

  #sendAll(what: "announce" | "withdraw"): void {
    for (const [index, load] of this.#loads.entries()) this.#clients[index]?.send(load[what]);
  }

  async #settle(moreSeconds = 0): Promise<void> {
    await this.#until(() => false, (this.#plan.settleSeconds + moreSeconds) * 1000);
  }

  get #timeoutMs(): number {
    return this.#plan.timeoutSeconds * 1000;
  }

  /** Runs one phase to the moment when all hold what they are meant to. @throws Failure when that does not come in time */
  async #measure(
    name: PhaseName,
    start: () => void,
    expected: "all" | "none" = "all",
  ): Promise<void> {
    const span = this.#begin();
    const checker = this.#checker;
    checker.expect(expected, span.startMs);
    // Who has announced before has had its part in the phase before.
    const before = name === "join" ? checker.complete : 0;
    start();
    const peers = this.#wanted;
    const isComplete = await this.#until(() => checker.complete === peers, this.#timeoutMs);
    const last = Math.max(...checker.completeAtMs.filter((atMs) => !Number.isNaN(atMs)));
    this.#phases.push({
      name,
      ...(isComplete && { seconds: (last - span.startMs) / 1000 }),
      clients: peers - before,
      established: this.#established - before,
      complete: checker.complete - before,
      ...((name === "join" || name === "storm") &&
        this.#established === peers && {
          establishedSeconds: (this.#establishedAtMs - span.startMs) / 1000,
        }),
      ...this.#used(span),
    });
    if (!isComplete)
      throw new Failure(
        `${checker.complete - before} of ${peers - before} clients hold what they must`,
      );
  }

  /** One change after the other, each when the one before has reached everybody. */
  async #churn(events: number, perSecond: number): Promise<void> {
    const { withdraw, announce } = singleLoad(this.#announcements, 0);
    const span = this.#begin();
    const others = this.#clients.length - 1;
    const latenciesMs: number[] = [];
    let incomplete = 0;
    for (let event = 0; event < events; event++) {
      const dueMs = span.startMs + (event * 1000) / perSecond;
      await this.#until(() => false, dueMs - performance.now());
      const announced = event % 2 === 1;
      this.#checker.watch(0, announced, performance.now());
      this.#clients[0]?.send(announced ? announce : withdraw);
      const seen = (): number => this.#checker.latenciesMs.length;
      if (!(await this.#until(() => seen() === others, changeTimeoutMs))) incomplete++;
      latenciesMs.push(...this.#checker.latenciesMs);
      if (incomplete > 1) break;
    }
    this.#phases.push({
      name: "churn",
      clients: others,
      established: this.#established - 1,
      complete: incomplete === 0 ? others : 0,
      ...(incomplete === 0 && { latency: latencyOf(latenciesMs) }),
      ...this.#used(span),
    });
    if (incomplete > 0)
      throw new Failure(`a change did not reach everybody in ${changeTimeoutMs / 1000} s`);
  }

  #begin(): Span {
    return {
      startMs: performance.now(),
      usage: usageOf(this.#plan.pid),
      cpu: process.cpuUsage(),
      checkSeconds: this.#checkSeconds,
      updates: this.#checker.updates,
    };
  }

  #used(span: Span): Pick<Phase, "cpuSeconds" | "testerCpuSeconds" | "updates"> {
    const checkSeconds = this.#checkSeconds - span.checkSeconds;
    return {
      cpuSeconds: usageOf(this.#plan.pid).cpuSeconds - span.usage.cpuSeconds,
      testerCpuSeconds: cpuSecondsSince(span.cpu) - checkSeconds,
      updates: this.#checker.updates - span.updates,
    };
  }

  #onEstablished(client: Client): void {
    this.#established++;
    this.#establishedAtMs = performance.now();
    if (this.#announcesAtOnce) client.send((this.#loads[client.index] as Load).announce);
    this.#look();
  }

  #onReceived(client: Client, octets: Uint8Array): void {
    this.#lastArrivalMs = performance.now();
    this.#log.add(client.index, octets, this.#lastArrivalMs);
    if (this.#isCheckDue) return;
    this.#isCheckDue = true;
    setTimeout(this.#checkAtLeisure, quietMs);
  }

  #onFailed(client: Client, wasEstablished: boolean): void {
    if (wasEstablished) {
      this.#check(Number.POSITIVE_INFINITY);
      this.#established--;
      this.#checker.violations.sessionsLost++;
      this.#checker.forget(client.index);
    }
    setTimeout(() => {
      if (client.isIdle && client.index < this.#wanted) client.connect();
    }, reconnectMs);
  }

  readonly #checkAtLeisure = (): void => {
    const quietForMs = performance.now() - this.#lastArrivalMs;
    if (quietForMs < quietMs && this.#log.octets < maximumBacklogOctets) {
      setTimeout(this.#checkAtLeisure, quietMs - quietForMs);
      return;
    }
    this.#check(sliceMs);
    this.#isCheckDue = this.#log.octets > 0;
    if (this.#isCheckDue) setImmediate(this.#checkAtLeisure);
  };

  #check(milliseconds: number): void {
    const before = process.cpuUsage();
    const startMs = performance.now();
    while (performance.now() - startMs < milliseconds && this.#log.take(this.#judge));
    this.#checkSeconds += cpuSecondsSince(before);
    this.#look();
  }

  readonly #judge = (
    client: number,
    octets: Uint8Array,
    start: number,
    end: number,
    atMs: number,
  ): void => {
    const session = this.#clients[client] as Client;
    if (!session.isEstablished) return;
    if (!this.#checker.take(client, octets, start, end, atMs)) session.close();
  };

  #look(): void {
    if (this.#awaited?.isMet() !== true) return;
    this.#awaited.resolve();
  }

  /** Resolves to whether the condition was met in time; it is looked at whenever something was checked. */
  async #until(isMet: () => boolean, milliseconds: number): Promise<boolean> {
    if (isMet()) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { isMet, resolve };
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    await promise;
    clearTimeout(timer);
    this.#awaited = undefined;
    this.#check(Number.POSITIVE_INFINITY);
    return isMet();
  }
}

/** Why a run cannot go on. */
class Failure extends Error {}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** What all will be sent together, each UPDATE with ORIGINATOR_ID and CLUSTER_LIST. */
function expectedOctets(loads: readonly Load[], peers: number): number {
  const octets = loads.reduce((sum, { announce }) => sum + announce.length, 0);
  const updates = loads.reduce((sum, { announce }) => sum + countUpdates(announce), 0);
  return (octets + 14 * updates) * peers;
}

function latencyOf(latenciesMs: number[]): Latency {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return {
    samples: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: quantile(sorted, 1),
  };
}
