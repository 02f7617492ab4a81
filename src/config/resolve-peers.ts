import type { Prefix } from "../net/prefix.ts";
import { optionDefaults, type PeerGroups, type PeerOptions } from "./peer-schema.ts";
import type { RangeOptions, ResolvedOptions } from "./peer-schema.ts";
import type { PasswordFiles } from "./password-files.ts";

type AsnRule = NonNullable<ResolvedOptions["asn"]>;

/** A peer that a file names, with its group's options and all defaults in place. */
export interface ExplicitPeer extends Omit<ResolvedOptions, "asn"> {
  /** Canonical. */
  readonly address: string;
  readonly asn: AsnRule;
}

/** A range of peers that a file names, likewise. */
export interface ExplicitRange extends Omit<ResolvedOptions, keyof typeof dialOptions> {
  readonly prefix: Prefix;
  readonly limit: number;
  readonly asns: readonly number[] | Exclude<AsnRule, number>;
}

/** What a file says besides a peer itself. */
interface Surroundings {
  readonly peerGroups: PeerGroups;
  /** Those of a session may be among others. */
  readonly timers: Readonly<Record<string, number>>;
  readonly passwords?: PasswordFiles;
}

/** Options of those who are dialled: a range has none of them. */
const dialOptions = { asn: 0, port: 0, passive: 0, disabled: 0, sourceAddress: 0 } as const;

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
    const { asn, port, passive, disabled, sourceAddress, ...options } = resolve(own, surroundings);
    const ofGroup = typeof asn === "number" ? [asn] : asn;
    return { prefix, limit, asns: (asns ?? ofGroup) as ExplicitRange["asns"], ...options }; // as above
  });
}

/** The options of a session of which a file says nothing but its timers. */
export function plainOptions(
  timers: Surroundings["timers"],
): Omit<ExplicitRange, "prefix" | "limit" | "asns"> {
  const all = resolve({}, { peerGroups: {}, timers });
  const { asn, port, passive, disabled, sourceAddress, ...options } = all;
  return options;
}

function resolve(
  { group, ...own }: PeerOptions & { readonly group?: string | undefined },
  { peerGroups, timers, passwords }: Surroundings,
): ResolvedOptions {
  const shared = group === undefined ? {} : { ...peerGroups[group] };
  for (const rivals of rivalOptions) {
    if (rivals.some((name) => own[name] !== undefined))
      for (const name of rivals) delete shared[name];
  }
  const sessionTimers = Object.entries(timers).filter(([name]) => name in optionDefaults);
  // Options that are left out are absent, not undefined: what is laid over has nothing to hide the default with.
  return {
    ...optionDefaults,
    ...Object.fromEntries(sessionTimers),
    ...shared,
    ...own,
    ...secretOf(own.passwordFile ?? shared.passwordFile, passwords),
  } as ResolvedOptions;
}

/** Options that say the same in two ways, or exclude each other: who has one of its own takes none from its group. */
export const rivalOptions = [
  ["password", "passwordFile"],
  ["ttlSecurity", "multihop"],
] as const;

/** What a password file has in it. @param passwords have read it already, without a problem */
export function secretOf(
  file: string | undefined,
  passwords: PasswordFiles | undefined,
): Pick<ResolvedOptions, "password" | "passwordFile"> {
  if (file === undefined || passwords === undefined) return {};
  return { password: passwords.read(file).secret, passwordFile: passwords.path(file) };
}
