import type { NftablesChange } from "../../netlink/nftables-event.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Nft } from "./nft.ts";
import { type Others, readOthers } from "./others.ts";

/** Others change their tables many times in a row: a look is worth so long, or so many times what it took. */
const LOOK_MS = 1_000;
const LOOK_FACTOR = 20;
/** So much of that may be done beforehand. */
const AHEAD_MS = 10_000;

/** What other programs have in nftables, looked at when there is reason to: at once, but not more and more often. */
export class Surroundings {
  readonly #nft: Nft;
  readonly #clock: Clock;
  #paidMs = Number.NEGATIVE_INFINITY;
  #isDue = false;
  #isAsked = false;
  others: Others = { forward: [], nat: [] };
  /** Who changed something last, where that is known. */
  culprit: NftablesChange | undefined;

  constructor(nft: Nft, clock: Clock) {
    this.#nft = nft;
    this.#clock = clock;
  }

  /** There is something to look at. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** What is looked for is other than before. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Milliseconds until the next look. */
  get waitMs(): number {
    if (this.#isAsked) return 0;
    return Math.max(0, this.#paidMs - this.#clock.nowMs() - AHEAD_MS);
  }

  /** Somebody changed something, `by` whom where that is known. */
  doubt(by?: NftablesChange): void {
    this.#isDue = true;
    this.culprit = by;
  }

  /** What is looked for is other than before: that waits for nothing. */
  ask(): void {
    this.#isDue = true;
    this.#isAsked = true;
  }

  /** `masqueraded`: of these it is looked for who else masquerades them. Rejects with `NftError`. */
  async look(masqueraded: readonly Prefix[]): Promise<void> {
    const fromMs = this.#clock.nowMs();
    this.#isDue = false;
    this.#isAsked = false;
    try {
      this.others = await readOthers(this.#nft, masqueraded);
    } finally {
      const nowMs = this.#clock.nowMs();
      const worthMs = Math.max(LOOK_MS, LOOK_FACTOR * (nowMs - fromMs));
      this.#paidMs = Math.max(nowMs, this.#paidMs) + worthMs;
    }
  }
}
