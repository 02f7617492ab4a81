import { prefixContains, prefixFromOctets, type Prefix } from "../../net/prefix.ts";
import type { TunnelKind } from "../tunnel-kind.ts";

/** What a node may have in the firewall. */
export interface FirewallSettings {
  /** Packets that leave pools with `natOutgoing` bear the node's address. */
  readonly masquerade: "auto" | "never";
  /** Tunnelled packets come from nodes only. */
  readonly guard: "auto" | "never";
  /** Packets of pods get through what others drop: by rules of ours, or it is only told where they do not. */
  readonly forward: "accept" | "observe" | "never";
}

/** Whether packets that leave a pool, or a part of one, bear the node's address. */
export interface PoolMasquerade {
  readonly prefix: Prefix;
  readonly natOutgoing: boolean;
}

/** What the configuration says of the firewall. */
export interface FirewallConfig {
  readonly settings: FirewallSettings;
  /** Where pods live, on all nodes. */
  readonly podPools: readonly Prefix[];
  readonly pools: readonly PoolMasquerade[];
  /** Addresses of nodes. */
  readonly nodes: readonly string[];
}

/** All that there is to know to tell what the firewall shall be; the nodes are all of them, this one included. */
export interface FirewallFacts extends FirewallConfig {
  /** The tunnels that some policy may choose, or that are there. */
  readonly tunnels: readonly TunnelKind[];
  /** There may be nodes that only an earlier life knew: those in its table stay. */
  readonly isProvisional?: boolean;
}

/** What the firewall shall be. */
export interface FirewallWish {
  /** Disjoint, of both IP versions. */
  readonly pods: readonly Prefix[];
  /** Disjoint parts of them. */
  readonly masqueraded: readonly Prefix[];
  /** In the order of their names. */
  readonly guarded: readonly TunnelKind[];
}

/** Tells what the firewall shall be, the set of nodes apart. */
export function firewallWish({
  settings,
  podPools,
  pools,
  tunnels,
}: Omit<FirewallFacts, "nodes">): FirewallWish {
  const pods = outermost(podPools);
  const spoken = [...pools].sort((a, b) => b.prefix.length - a.prefix.length);
  return {
    pods,
    masqueraded:
      settings.masquerade === "never" ? [] : outermost(pods).flatMap((pool) => parts(pool, spoken)),
    guarded: settings.guard === "never" ? [] : [...new Set(tunnels)].sort(),
  };
}

/** Those that are inside no other, in order. */
function outermost(prefixes: readonly Prefix[]): Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of [...prefixes].sort((a, b) => a.length - b.length)) {
    if (!kept.some((outer) => prefixContains(outer, prefix))) kept.push(prefix);
  }
  return kept;
}

/** The parts of a prefix that are masqueraded; of the settings around an address, the longest (the first) counts. */
function parts(prefix: Prefix, settings: readonly PoolMasquerade[]): Prefix[] {
  const hasInner = settings.some(
    (one) => one.prefix.length > prefix.length && prefixContains(prefix, one.prefix),
  );
  if (hasInner) {
    const [low, high] = halves(prefix);
    const inBoth = [...parts(low, settings), ...parts(high, settings)];
    return inBoth.length === 2 && inBoth[0]?.text === low.text && inBoth[1]?.text === high.text
      ? [prefix]
      : inBoth;
  }
  const own = settings.find((one) => prefixContains(one.prefix, prefix));
  return own?.natOutgoing === true ? [prefix] : [];
}

function halves({ octets, length }: Prefix): [Prefix, Prefix] {
  const high = Uint8Array.from(octets);
  high[length >>> 3] = (high[length >>> 3] as number) | (0x80 >>> (length & 7));
  return [prefixFromOctets(octets, length + 1), prefixFromOctets(high, length + 1)];
}
