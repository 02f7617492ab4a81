import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { OpenPathProbe } from "../../platform/path-probe.ts";
import { tunnelLinkLocal } from "../tunnel-kind.ts";
import { PathMtuProber } from "./path-mtu-prober.ts";
import type { PathMtuResult, PathMtuSource } from "./path-mtu-search.ts";

/** How path MTUs are found out. */
export interface MtuSettings {
  /** `never`: nothing is sent, and no route has an MTU of its own. */
  readonly probe: "auto" | "never";
  /** Between two searches for the way to one node. */
  readonly intervalSeconds: number;
}

export interface PathMtusOptions {
  readonly settings: MtuSettings;
  /** Without, nothing is sent: what is there stays. */
  readonly openProbe?: OpenPathProbe | undefined;
  /** For so long an answer may be on its way. */
  readonly timeoutMs?: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Less or more than before gets to some node: routes are to follow. */
  readonly onChange: () => void;
}

/** The largest packet that gets to a node, where that is less than the interface towards it sends. */
export interface PathMtu {
  /** Octets of the IP packet. */
  readonly octets: number;
  /** `adopted`: a route of an earlier life bears it, and nobody has looked since. */
  readonly how: PathMtuSource | "adopted";
}

/** How a next hop lies, as far as its path's MTU depends on it. */
export interface PathFacts {
  readonly address: string;
  readonly version: 4 | 6;
  /** Octets: the MTU of the interface towards it; `undefined` while there is no way. */
  readonly linkMtu: number | undefined;
  /** Whatever else makes it another path: the interface, the router. */
  readonly via: string;
}

interface Watched {
  readonly facts: string;
  /** Nobody has answered since the way is this one: what is known is of another. */
  isUnconfirmed: boolean;
}

/** What gets to the next hops in use, as far as that is known. */
export class PathMtus {
  readonly #options: PathMtusOptions;
  readonly #prober: PathMtuProber | undefined;
  readonly #known = new Map<string, PathMtu>();
  readonly #watched = new Map<string, Watched>();
  #isLearning = true;

  constructor(options: PathMtusOptions) {
    this.#options = options;
    const { settings, openProbe: open, clock, timeoutMs } = options;
    if (settings.probe === "never" || open === undefined) return;
    const intervalMs = settings.intervalSeconds * 1_000;
    const onResult = (address: string, result: PathMtuResult): void => this.#found(address, result);
    this.#prober = new PathMtuProber({ clock, open, intervalMs, timeoutMs, onResult });
  }

  of(address: string): PathMtu | undefined {
    return this.#known.get(address);
  }

  /** Of the next hops in use, those to which less gets than the interface towards them sends. */
  limited(): (PathMtu & { readonly nextHop: string })[] {
    const limited = [...this.#known].map(([nextHop, mtu]) => ({ nextHop, ...mtu }));
    return limited.filter(({ nextHop }) => this.#watched.has(nextHop));
  }

  /** A route of an earlier life says that so much gets to a node, or to its end of a tunnel. Until the first listing is through. */
  adopt(address: string, octets: number): void {
    if (!this.#isLearning || this.#options.settings.probe === "never") return;
    const before = this.#known.get(address);
    if (before === undefined || before.octets > octets) {
      this.#known.set(address, { octets, how: "adopted" });
    }
  }

  /** Earlier lives have said all they had to say: what routes bear from now on is our own. */
  adopted(): void {
    if (!this.#isLearning) return;
    this.#isLearning = false;
    for (const address of this.#watched.keys()) this.#takeOver(address);
  }

  /** IPv6 routes through a tunnel name the link-local address of its other end, not the node's. */
  #takeOver(address: string): void {
    const end = tunnelLinkLocal(address);
    const adopted = this.#known.get(end);
    if (adopted === undefined) return;
    this.#known.delete(end);
    this.#known.set(address, narrower(this.#known.get(address), adopted));
  }

  /** A next hop is in use, and lies so; the same again changes nothing. */
  watch({ address, version, linkMtu, via }: PathFacts): void {
    const facts = `${via} ${linkMtu}`;
    const before = this.#watched.get(address);
    if (before?.facts === facts) return;
    this.#watched.set(address, { facts, isUnconfirmed: before !== undefined });
    if (before === undefined && !this.#isLearning) this.#takeOver(address);
    if (linkMtu === undefined) this.#prober?.forget(address);
    else this.#prober?.watch(address, version, linkMtu);
  }

  /** Nobody uses the next hop any more. */
  forget(address: string): void {
    this.#watched.delete(address);
    this.#known.delete(address);
    this.#prober?.forget(address);
  }

  stop(): void {
    this.#prober?.stop();
  }

  #found(address: string, result: PathMtuResult): void {
    const watched = this.#watched.get(address);
    if (watched === undefined) return;
    const { logger, onChange } = this.#options;
    const before = this.#known.get(address);
    if (result.kind === "unanswered" && !watched.isUnconfirmed) return;
    watched.isUnconfirmed = false;
    if (result.kind === "limited") {
      const { mtu: octets, how } = result;
      this.#known.set(address, { octets, how });
      if (before?.octets === octets) return;
      const text = how === "reported" ? "a router says so" : "larger ones vanish on the way";
      logger.warn({ nextHop: address, mtu: octets }, `only smaller packets get there: ${text}`);
    } else {
      if (!this.#known.delete(address)) return;
      logger.info({ nextHop: address }, "packets of every size get there now, or nobody answers");
    }
    onChange();
  }
}

function narrower(one: PathMtu | undefined, other: PathMtu): PathMtu {
  return one === undefined || other.octets < one.octets ? other : one;
}
