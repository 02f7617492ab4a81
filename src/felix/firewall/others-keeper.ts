import type { NftablesChange } from "../../netlink/nftables-event.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { ForwardKeeper, type Passage } from "./forward-keeper.ts";
import { legacyBeside, legacyOnly, type LegacyTables } from "./legacy.ts";
import { type Nft, NftError } from "./nft.ts";
import type { Obstacle } from "./obstacle.ts";
import { type OtherMasquerade, otherMasquerades } from "./other-masquerade.ts";
import { Surroundings } from "./surroundings.ts";
import type { FirewallSettings, FirewallWish } from "./wish.ts";

export interface OthersKeeperParts {
  readonly nft: Nft;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By default there are none. */
  readonly legacyTables?: LegacyTables | undefined;
}

/** What others changed between a look at their tables and what followed from it is looked at again, so often at most. */
const ATTEMPTS = 5;

/** Sees what other programs do to packets of pods: lets these through where that is ours to do, and tells of all else. */
export class OthersKeeper {
  readonly #parts: OthersKeeperParts;
  readonly #surroundings: Surroundings;
  readonly #forward: ForwardKeeper;
  #choice: FirewallSettings["forward"] = "never";
  #wish: FirewallWish = { pods: [], masqueraded: [], guarded: [] };
  #asked: string | undefined;
  #nextLook: Timer | undefined;
  #legacy: Obstacle | undefined;
  /** Why it is not known what others have, or why our rules there are not as they shall be. */
  #trouble: Obstacle | undefined;
  #told = new Set<string>();

  constructor(parts: OthersKeeperParts) {
    this.#parts = parts;
    this.#surroundings = new Surroundings(parts.nft, parts.clock);
    this.#forward = new ForwardKeeper(parts);
  }

  /** Our rules are to be so. */
  want(choice: FirewallSettings["forward"], wish: FirewallWish): void {
    this.#choice = choice;
    this.#wish = wish;
    const prefixes = [wish.pods, wish.masqueraded].map((list) => list.map(({ text }) => text));
    const asked = [choice, ...prefixes].join(" ");
    if (asked !== this.#asked) this.#surroundings.ask();
    this.#asked = asked;
  }

  /** Is there reason to look, whenever somebody changes something? */
  get isCurious(): boolean {
    return this.#choice !== "never" || this.#wish.masqueraded.length > 0;
  }

  /** What is looked for is other than at the last look. */
  get isAsked(): boolean {
    return this.#surroundings.isAsked;
  }

  /** Somebody changed something, `by` whom where that is known. */
  doubt(by?: NftablesChange): void {
    if (this.isCurious) this.#surroundings.doubt(by);
  }

  /** What others masquerade already. */
  get masquerades(): readonly OtherMasquerade[] {
    return otherMasquerades(this.#surroundings.others, this.#wish.masqueraded);
  }

  get passages(): readonly Passage[] {
    return this.#forward.passages;
  }

  /** What others drop, or may drop. */
  get obstacles(): readonly Obstacle[] {
    const doubts = [this.#trouble, this.#legacy].filter((doubt) => doubt !== undefined);
    return [...this.#forward.obstacles, ...doubts];
  }

  get repairs(): number {
    return this.#forward.repairs;
  }

  /**
   * Looks, if there is reason to; resolves to whether something new is known. When it is too early, for some of it or for
   * all, `onTime` is called later.
   */
  async look(onTime: () => void): Promise<boolean> {
    const surroundings = this.#surroundings;
    if (!surroundings.isDue) return false;
    const isNews = surroundings.waitMs === 0 && (await this.#look());
    this.#nextLook?.cancel();
    if (surroundings.isDue) {
      this.#nextLook = this.#parts.clock.after(surroundings.waitMs, onTime);
    }
    return isNews;
  }

  async #look(): Promise<boolean> {
    try {
      await this.#surroundings.look(this.#wish.masqueraded);
    } catch (error) {
      const what = "whether other programs' rules drop packets of pods is not known";
      this.#fail(error, what, false);
      return false;
    }
    const tables = this.#choice === "never" ? [] : (this.#parts.legacyTables?.() ?? []);
    this.#legacy = legacyBeside(tables, this.#wish.pods);
    this.#trouble = undefined;
    return true;
  }

  /**
   * Does what follows from what was seen; resolves to the table that another program keeps changing, if there is one.
   * What fails is told, and tried again with the next look.
   */
  async ensure(onTime: () => void): Promise<string | undefined> {
    const surroundings = this.#surroundings;
    const pods = this.#choice === "never" ? [] : this.#wish.pods;
    const choice = this.#choice === "accept" ? "accept" : "observe";
    let contested: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const { others, culprits } = surroundings;
      try {
        contested = await surroundings.follow(() =>
          this.#forward.ensure(others.forward, pods, choice, culprits),
        );
        culprits.clear();
        break;
      } catch (error) {
        const isStale = error instanceof NftError && error.isAbsent && attempt < ATTEMPTS;
        if (!isStale) {
          this.#fail(error, "our rules for packets of pods are not kept", true);
          surroundings.forget();
          break;
        }
        surroundings.ask();
        if (!(await this.look(onTime))) break;
      }
    }
    this.tell();
    return contested;
  }

  /** What is said of a failure where the kernel has no nftables, and maybe older tables. */
  inWords(error: NftError): Pick<NftError, "text" | "remedy"> {
    const tables = error.isUnsupported ? (this.#parts.legacyTables?.() ?? []) : [];
    return tables.length === 0 ? error : legacyOnly(error.text, tables, this.#wish.pods);
  }

  stop(): void {
    this.#nextLook?.cancel();
  }

  /** Tells once of each obstacle, and when all are gone. */
  tell(): void {
    const { logger } = this.#parts;
    const { obstacles } = this;
    for (const { text, remedy, isSure } of obstacles) {
      if (!this.#told.has(text)) logger[isSure ? "error" : "warn"]({ remedy }, text);
    }
    if (this.#told.size > 0 && obstacles.length === 0) {
      logger.info({}, "nothing drops packets of pods any more");
    }
    this.#told = new Set(obstacles.map(({ text }) => text));
  }

  #fail(error: unknown, what: string, isSure: boolean): void {
    if (!(error instanceof NftError)) throw error;
    // Who wants nothing of others' tables needs no nft(8).
    if (!this.isCurious) return;
    const { text, remedy = "" } = this.inWords(error);
    this.#trouble = { text: `${what}: ${text}`, remedy, isSure, pods: [] };
  }
}
