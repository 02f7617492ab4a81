import type { ProbeAnswer } from "../../platform/path-probe.ts";

/** What a search came to. */
export type PathMtuResult =
  /** Whatever the interface sends gets there. */
  | { readonly kind: "whole" }
  /** Packets of so many octets get there, larger ones do not. */
  | { readonly kind: "limited"; readonly mtu: number; readonly how: PathMtuSource }
  /** Nobody answers, however small the packet: nothing is known. */
  | { readonly kind: "unanswered" };

/** `reported`: a router said so, and it is true. `probed`: larger packets vanish without a word. */
export type PathMtuSource = "reported" | "probed";

/** Packets of one size that may go unanswered until they count as lost (RFC 8899 §5.1.2, MAX_PROBES). */
const TRIES = 3;
/** What every path carries: RFC 8200 §5, and RFC 791 for what every host takes. */
const BASE_OCTETS = { 4: 576, 6: 1280 } as const;
/** Where MTUs are found in practice, as in RFC 1191 §7.1: of Ethernet, jumbo frames, PPPoE, tunnels and clouds. */
const PLATEAUS: readonly number[] = [
  ...[1006, 1200, 1280, 1300, 1320, 1340, 1360, 1380, 1390, 1400, 1410, 1420, 1430, 1440, 1446],
  ...[1450, 1460, 1464, 1472, 1476, 1480, 1488, 1492, 1496, 1500, 2002, 4352, 8000, 8192, 8900],
  ...[8941, 8951, 8981, 9000, 9001, 9180, 17914, 32000],
];

type Phase = "whole" | "report" | "base" | "between" | "again";

/**
 * One search for the largest packet that gets to an address: the largest that the interface sends, then what a router
 * reports, or else, by halves, what is between that and what always passes (RFC 8899). A packet that is lost by chance
 * must not make a path small: each is sent thrice, and the largest once more in the end.
 */
export class PathMtuSearch {
  readonly #ceiling: number;
  readonly #base: number;
  #phase: Phase = "whole";
  #tries = 0;
  #size: number;
  /** What was reported too big starts here. */
  #upper: number;
  #candidates: readonly number[] = [];
  /** Of the candidates, the last that arrived, and the first that did not. */
  #low = -1;
  #high = 0;
  #result: PathMtuResult | undefined;

  /** @param ceiling octets of the largest packet that the interface sends */
  constructor(version: 4 | 6, ceiling: number) {
    this.#ceiling = ceiling;
    this.#upper = ceiling;
    this.#size = ceiling;
    this.#base = Math.min(BASE_OCTETS[version], ceiling);
  }

  /** Octets of the packet to send next. */
  get size(): number {
    return this.#size;
  }

  /** `undefined` while there is more to send. */
  get result(): PathMtuResult | undefined {
    return this.#result;
  }

  /** What became of the packet, within its time. */
  take(answer: ProbeAnswer): void {
    if (answer.kind === "arrived") this.#arrived();
    else if (answer.kind === "too-big" && this.#believes(answer.mtu)) this.#reported(answer.mtu);
    else if (++this.#tries === TRIES) this.#lost();
  }

  /** Once that much did not arrive either, nobody is believed any more. */
  #believes(mtu: number): boolean {
    const isOpen = this.#phase === "whole" || this.#phase === "report";
    return isOpen && mtu > 0 && mtu < this.#size;
  }

  #arrived(): void {
    const [phase, size] = [this.#phase, this.#size];
    if (phase === "whole" || phase === "again") this.#result = { kind: "whole" };
    else if (phase === "report") this.#result = { kind: "limited", mtu: size, how: "reported" };
    else {
      if (phase === "base") this.#begin();
      else this.#low = this.#middle;
      this.#halve();
    }
  }

  #reported(mtu: number): void {
    this.#upper = mtu;
    this.#go("report", mtu);
  }

  #lost(): void {
    const phase = this.#phase;
    if (phase === "whole" || phase === "report") this.#go("base", Math.min(this.#base, this.#size));
    else if (phase === "base") this.#result = { kind: "unanswered" };
    else if (phase === "again") this.#found();
    else {
      this.#high = this.#middle;
      this.#halve();
    }
  }

  #begin(): void {
    this.#candidates = PLATEAUS.filter((one) => one > this.#size && one < this.#upper);
    this.#high = this.#candidates.length;
  }

  #halve(): void {
    if (this.#high - this.#low > 1) {
      this.#go("between", this.#candidates[this.#middle] as number);
    } else this.#go("again", this.#ceiling);
  }

  #found(): void {
    const mtu = this.#candidates[this.#low] ?? this.#base;
    this.#result = { kind: "limited", mtu, how: "probed" };
  }

  get #middle(): number {
    return (this.#low + this.#high) >> 1;
  }

  #go(phase: Phase, size: number): void {
    this.#phase = phase;
    this.#size = size;
    this.#tries = 0;
  }
}
