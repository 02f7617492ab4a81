import type { Clock, Timer } from "../../platform/clock.ts";
import type { OpenPathProbe, PathProbe, ProbeAnswer } from "../../platform/path-probe.ts";
import { type PathMtuResult, PathMtuSearch } from "./path-mtu-search.ts";

export interface PathMtuProberOptions {
  readonly clock: Clock;
  readonly open: OpenPathProbe;
  /** Between two searches for the way to one address. */
  readonly intervalMs: number;
  /** For so long an answer may be on its way; a second by default. */
  readonly timeoutMs?: number | undefined;
  readonly onResult: (address: string, result: PathMtuResult) => void;
}

/** One address whose way is to be known. */
interface Target {
  readonly address: string;
  readonly version: 4 | 6;
  /** Octets of the largest packet that the interface towards it sends. */
  ceiling: number;
  state: "due" | "searching" | "resting";
  /** Things changed while it was searched: what is found is worth nothing. */
  isOutdated: boolean;
  timer: Timer | undefined;
}

/** Within the time that an answer may take, it is looked for at these shares of it. */
const LOOKS = [0.01, 0.05, 0.2, 0.5, 1];
/** The other end sends one ICMP error a second, and six at once (icmp(7), icmp_ratelimit). */
const TIMEOUT_MS = 1_000;
/** So that a node's start is no burst of packets: at most twenty searches begin in a second. */
const START_GAP_MS = 50;
const SEARCHES_AT_ONCE = 16;

/** Searches for the largest packet that gets to each address, one after the other, again and again. */
export class PathMtuProber {
  readonly #options: PathMtuProberOptions;
  readonly #timeoutMs: number;
  readonly #targets = new Map<string, Target>();
  readonly #due = new Set<Target>();
  readonly #open = new Set<PathProbe>();
  #searching = 0;
  #gap: Timer | undefined;
  #stopped = false;

  constructor(options: PathMtuProberOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Searches for the way to an address, soon and then ever again; anew where it was known already. */
  watch(address: string, version: 4 | 6, ceiling: number): void {
    if (this.#stopped) return;
    let target = this.#targets.get(address);
    if (target === undefined) {
      const state = { state: "due", isOutdated: false, timer: undefined } as const;
      target = { address, version, ceiling, ...state };
      this.#targets.set(address, target);
    }
    target.ceiling = ceiling;
    if (target.state === "searching") target.isOutdated = true;
    else this.#enqueue(target);
  }

  forget(address: string): void {
    const target = this.#targets.get(address);
    if (target === undefined) return;
    this.#targets.delete(address);
    this.#due.delete(target);
    if (target.state === "resting") target.timer?.cancel();
  }

  stop(): void {
    this.#stopped = true;
    this.#gap?.cancel();
    for (const { timer } of this.#targets.values()) timer?.cancel();
    for (const probe of this.#open) probe.close();
    this.#targets.clear();
    this.#due.clear();
    this.#open.clear();
  }

  #enqueue(target: Target): void {
    target.timer?.cancel();
    target.state = "due";
    this.#due.add(target);
    this.#next();
  }

  #next(): void {
    if (this.#gap !== undefined || this.#stopped || this.#searching >= SEARCHES_AT_ONCE) return;
    const [target] = this.#due;
    if (target === undefined) return;
    this.#due.delete(target);
    this.#searching++;
    target.state = "searching";
    target.isOutdated = false;
    this.#gap = this.#options.clock.after(START_GAP_MS, () => {
      this.#gap = undefined;
      this.#next();
    });
    this.#send(target, new PathMtuSearch(target.version, target.ceiling));
  }

  /** A socket of its own for each size: what comes late for another says nothing of this one. */
  #send(target: Target, search: PathMtuSearch, opened?: PathProbe): void {
    const probe = opened ?? this.#options.open(target.address, search.size);
    this.#open.add(probe);
    probe.send();
    this.#look(target, search, probe, 0);
  }

  #look(target: Target, search: PathMtuSearch, probe: PathProbe, look: number): void {
    const share = LOOKS[look] as number;
    const before = look === 0 ? 0 : (LOOKS[look - 1] as number);
    target.timer = this.#options.clock.after((share - before) * this.#timeoutMs, () => {
      const answer = probe.answer();
      if (answer.kind === "silent" && share < 1) this.#look(target, search, probe, look + 1);
      else this.#answered(target, search, probe, answer, share);
    });
  }

  #answered(
    target: Target,
    search: PathMtuSearch,
    probe: PathProbe,
    answer: ProbeAnswer,
    share: number,
  ): void {
    const { size } = search;
    search.take(answer);
    const isGone = this.#targets.get(target.address) !== target;
    const isSame = search.result === undefined && search.size === size;
    if (isSame && !isGone) return this.#send(target, search, probe);
    probe.close();
    this.#open.delete(probe);
    if (isGone || target.isOutdated || search.result !== undefined) {
      return this.#through(target, search.result, isGone);
    }
    // The other end has said something, and may say no more within this time.
    const pauseMs = answer.kind === "arrived" ? (1 - share) * this.#timeoutMs : 0;
    target.timer = this.#options.clock.after(pauseMs, () => this.#send(target, search));
  }

  #through(target: Target, result: PathMtuResult | undefined, isGone: boolean): void {
    this.#searching--;
    if (!isGone && target.isOutdated) this.#enqueue(target);
    else if (!isGone && result !== undefined) {
      target.state = "resting";
      target.timer = this.#options.clock.after(this.#options.intervalMs, () =>
        this.#enqueue(target),
      );
      this.#options.onResult(target.address, result);
    }
    this.#next();
  }
}
