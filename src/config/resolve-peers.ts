import type { Prefix } from "../net/prefix.ts";
import { optionDefaults, type PeerGroups, type PeerOptions } from "./peer-schema.ts";
import type { RangeOptions, ResolvedOptions } from "./peer-schema.ts";

type AsnRule = NonNullable<ResolvedOptions["asn"]>;

/** A peer that a file names, with its group's options and all defaults in place. */
export interface ExplicitPeer extends Omit<ResolvedOptions, "asn"> {
  /** Canonical. */
  readonly address: string;
  readonly asn: AsnRule;
}

/** A range of peers that a file names, likewise. */
export interface ExplicitRange extends Omit<ResolvedOptions, "asn" | "port" | "passive"> {
  readonly prefix: Prefix;
  readonly limit: number;
  readonly asns: readonly number[] | Exclude<AsnRule, number>;
}

/** What a file says besides a peer itself. */
interface Surroundings {
  readonly peerGroups: PeerGroups;
  /** Those of a session may be among others. */
  readonly timers: Readonly<Record<string, number>>;
}

/** The peers of a checked file: each one's own options, else its group's, else the file's timers, else the defaults. */
export function resolvePeers(
  peers: readonly (PeerOptions & {
    readonly address: string;
    readonly group?: string | undefined;
  })[],
  surroundings: Surroundings,
): ExplicitPeer[] {
  return peers.map(({ address, ...own }) => {
    const { asn, ...options } = resolve(own, surroundings);
    return { address, asn: asn as AsnRule, ...options }; // checkPeers has seen to it
  });
}

/** The same for ranges. */
export function resolveRanges(
  ranges: readonly RangeOptions[],
  surroundings: Surroundings,
): ExplicitRange[] {
  return ranges.map(({ prefix, limit, asns, ...own }) => {
    const { asn, port, passive, ...options } = resolve(own, surroundings);
    const ofGroup = typeof asn === "number" ? [asn] : asn;
    return { prefix, limit, asns: (asns ?? ofGroup) as ExplicitRange["asns"], ...options }; // as above
  });
}

/** The options of a session of which a file says nothing but its timers. */
export function plainOptions(
  timers: Surroundings["timers"],
): Omit<ExplicitRange, "prefix" | "limit" | "asns"> {
  const { asn, port, passive, ...options } = resolve({}, { peerGroups: {}, timers });
  return options;
}

function resolve(
  { group, ...own }: PeerOptions & { readonly group?: string | undefined },
  { peerGroups, timers }: Surroundings,
): ResolvedOptions {
  const shared = group === undefined ? {} : peerGroups[group];
  const sessionTimers = Object.entries(timers).filter(([name]) => name in optionDefaults);
  // Options that are left out are absent, not undefined: what is laid over has nothing to hide the default with.
  return {
    ...optionDefaults,
    ...Object.fromEntries(sessionTimers),
    ...shared,
    ...own,
  } as ResolvedOptions;
}
