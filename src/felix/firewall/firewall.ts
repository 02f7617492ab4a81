import { NetlinkError } from "../../netlink/errno.ts";
import type { NftablesChange } from "../../netlink/nftables-event.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { BackOff } from "../back-off.ts";
import { Contest } from "../contest.ts";
import type { Problem } from "../problem.ts";
import type { LegacyTables } from "./legacy.ts";
import { type Nft, NftError } from "./nft.ts";
import { OthersKeeper } from "./others-keeper.ts";
import type { FirewallStatus } from "./status.ts";
import { TABLE } from "./table.ts";
import { TableKeeper } from "./table-keeper.ts";
import { type FirewallFacts, type FirewallWish, firewallWish } from "./wish.ts";

export interface FirewallParts {
  readonly nft: Nft;
  /** Tells every change of tables; returns what ends it. Throws `NetlinkError` where the kernel tells nobody. */
  readonly watch: (listener: (change: NftablesChange | "overflow") => void) => () => void;
  /** By default there are none. */
  readonly legacyTables?: LegacyTables;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks at everything, whether or not anybody told of a change. */
const SAFETY_NET_MS = 60_000;
/** Between attempts at what failed, up to the safety net's. */
const RETRY_MS = 1_000;

/**
 * Keeps what is to be in the firewall: one table of our own, written at once and put back when somebody changes it, and
 * what others' tables need so that pods are not cut off. What cannot be is told in the status and in the log, and keeps
 * nothing else from being done.
 */
export class Firewall {
  readonly #parts: FirewallParts;
  readonly #table: TableKeeper;
  readonly #others: OthersKeeper;
  #facts: FirewallFacts | undefined;
  #wish: FirewallWish | undefined;
  #isDue = false;
  #running: Promise<void> | undefined;
  #stopWatching: (() => void) | undefined;
  #safetyNet: Timer | undefined;
  #retry: Timer | undefined;
  readonly #backOff = new BackOff(RETRY_MS, SAFETY_NET_MS);
  #problem: Problem | undefined;
  /** Another program is left to change what it likes. */
  #isResting = false;
  #isStopped = false;

  constructor(parts: FirewallParts) {
    this.#parts = parts;
    this.#table = new TableKeeper(parts);
    this.#others = new OthersKeeper(parts);
  }

  /** The firewall shall be what follows from these. Resolves when it is, or cannot be for now; never rejects. */
  want(facts: FirewallFacts): Promise<void> {
    this.#facts = facts;
    this.#wish = firewallWish(facts);
    this.#others.want(facts.settings.forward, this.#wish);
    this.#watch();
    return this.#kick();
  }

  /** Nodes that the table of an earlier life had; none until it was looked at. */
  get formerNodes(): readonly string[] {
    return this.#table.formerNodes;
  }

  /** Resolves when nothing is being done. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Ends, and leaves the firewall as it is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopWatching?.();
    this.#safetyNet?.cancel();
    this.#retry?.cancel();
    this.#others.stop();
    await this.#running;
  }

  status(): FirewallStatus {
    const { guarded = [], masqueraded = [] } = this.#tableWish() ?? {};
    const isUnneeded = guarded.length + masqueraded.length === 0;
    const isInPlace = this.#table.isInPlace && this.#problem === undefined;
    const { masquerades, passages, obstacles, repairs } = this.#others;
    return {
      table: isUnneeded ? "unneeded" : isInPlace ? "in place" : "missing",
      guarded,
      nodes: this.#nodes.length,
      masqueraded: masqueraded.map(({ text }) => text),
      masqueradedByOthers: masquerades.map(({ pods, by }) => `${pods.text} by ${by}`),
      passages,
      // What is not known for the same reason needs no second word.
      obstacles: obstacles.filter(({ isSure }) => isSure || this.#problem === undefined),
      repairs: this.#table.repairs + repairs,
      problems: this.#problem === undefined ? [] : [this.#problem],
    };
  }

  /** With those that may yet turn out to be some. */
  get #nodes(): readonly string[] {
    const { nodes = [], isProvisional = false } = this.#facts ?? {};
    return isProvisional ? [...new Set([...nodes, ...this.formerNodes])].sort() : nodes;
  }

  /** What our table shall be, after what others do already. */
  #tableWish(): FirewallWish | undefined {
    if (this.#wish === undefined) return undefined;
    const done = new Set(this.#others.masquerades.map(({ pods }) => pods));
    return {
      ...this.#wish,
      masqueraded: this.#wish.masqueraded.filter((prefix) => !done.has(prefix)),
    };
  }

  /** Listens from when there is something to keep. */
  #watch(): void {
    const { settings } = this.#facts ?? {};
    const isIdle = Object.values(settings ?? {}).every((choice) => choice === "never");
    if (this.#safetyNet !== undefined || isIdle) return;
    const { watch, clock, logger } = this.#parts;
    this.#safetyNet = clock.after(SAFETY_NET_MS, () => {
      this.#doubtAll();
      void this.#kick();
      this.#safetyNet?.restart();
    });
    try {
      this.#stopWatching = watch((change) => this.#onChange(change));
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      logger.warn(
        {},
        `changes of the firewall are only looked for, once a minute: ${error.message}`,
      );
    }
  }

  #onChange(change: NftablesChange | "overflow"): void {
    if (change === "overflow") this.#doubtAll();
    else {
      if (this.#parts.nft.owns(change.portId)) return;
      const isOurs = change.tables.has(TABLE);
      const isOfOthers = change.tables.size > (isOurs ? 1 : 0) && this.#others.isCurious;
      if (isOurs) this.#table.doubt(change);
      if (isOfOthers) this.#others.doubt(change);
      if (!isOurs && !isOfOthers) return;
    }
    if (!this.#isResting) void this.#kick();
  }

  #doubtAll(): void {
    this.#table.doubt();
    this.#others.doubt();
  }

  #kick(): Promise<void> {
    this.#isDue = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false;
      if (this.#facts === undefined) return;
      try {
        if (!(await this.#round())) return;
        this.#settle();
      } catch (error) {
        if (!(error instanceof NftError)) throw error;
        return this.#fail(error);
      }
    }
  }

  /** Does what is due; resolves to false when another program keeps undoing it. Rejects with `NftError`. */
  async #round(): Promise<boolean> {
    const others = this.#others;
    const onTime = (): void => void this.#kick();
    // Our table's damage is mended before anything else; what it is to be anew follows from what others have, too.
    const { isAsked } = others;
    if (!isAsked && !(await this.#ensureTable())) return false;
    const isNews = await others.look(onTime);
    if ((isAsked || isNews) && !(await this.#ensureTable())) return false;
    const contested = isNews ? await others.ensure(onTime) : undefined;
    if (contested !== undefined) this.#rest(contested, Contest.restMs);
    return contested === undefined;
  }

  async #ensureTable(): Promise<boolean> {
    const isGuarding = (this.#wish?.guarded.length ?? 0) > 0;
    if (isGuarding && this.#facts?.isProvisional === true) await this.#table.readEarlier();
    const restMs = await this.#table.ensure(this.#tableWish() as FirewallWish, this.#nodes);
    if (restMs !== undefined) this.#rest(TABLE, restMs);
    return restMs === undefined;
  }

  #settle(): void {
    const { logger } = this.#parts;
    if (this.#problem !== undefined) logger.info({}, "the firewall is as it shall be again");
    this.#problem = undefined;
    this.#backOff.reset();
    this.#others.tell();
  }

  #fail(error: NftError): void {
    const { logger } = this.#parts;
    const { text, remedy } = this.#others.inWords(error);
    if (this.#problem?.text !== text) logger.error({ remedy }, `the firewall is not kept: ${text}`);
    this.#problem = { errno: undefined, text, remedy };
    this.#later(this.#backOff.next());
  }

  /** Another program keeps changing what we keep putting back. */
  #rest(table: string, restMs: number): void {
    const seconds = restMs / 1000;
    const text = `another program keeps changing the table ${table}: left alone for ${seconds} s`;
    this.#problem = { errno: undefined, text, remedy: "find it by `nft monitor`" };
    this.#parts.logger.error({}, text);
    this.#isResting = true;
    this.#later(restMs);
  }

  #later(delayMs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(delayMs, () => {
      this.#isResting = false;
      this.#doubtAll();
      void this.#kick();
    });
  }
}
