import type { Prefix } from "../../net/prefix.ts";
import type { NftablesTable } from "../../netlink/nftables-event.ts";
import { type Fate, fateOf } from "./fate.ts";
import { type Chain, OUR_COMMENT, type Rule, type Table } from "./rules.ts";

/** What is to be done so that a table lets packets of pods through. */
export interface ForwardPlan {
  /** Script of nft(8); `undefined` when all is as it shall be. */
  readonly script: string | undefined;
  /** Rules of ours that there are. */
  readonly present: number;
  /** Where rules of ours let packets through that would be dropped: `ip filter DOCKER-USER`; `undefined` where none are to. */
  readonly passage: string | undefined;
  /** Whose packets these are. */
  readonly passed: readonly Prefix[];
  /** What drops packets and is not ours to change, or not meant to be. */
  readonly drops: readonly Drop[];
}

/** Packets of pods that a chain of somebody's drops. */
export interface Drop {
  readonly table: Table;
  readonly chain: string;
  /** By which rule; `undefined`: by the policy. */
  readonly rule: Rule | undefined;
  readonly pods: readonly Prefix[];
  /** No rule before it, which cannot be read to its end, may let them through. */
  readonly isSure: boolean;
}

/** What becomes of dropped packets: they are let through by rules of ours where those can be, or it is only told. */
export type ForwardChoice = "accept" | "observe";

/** The tables of iptables that rules of ours may be put into. */
export const OPENABLE: readonly NftablesTable[] = ["ip filter", "ip6 filter"];
/** The chain of iptables, and Docker's for rules of others, which it jumps to before all of its own. */
const FORWARD = "FORWARD";
const DOCKER_USER = "DOCKER-USER";
const DIRECTIONS = ["from", "to"] as const;

/** Chains whose rules are for packets on their way through this host. */
export function forwardChains({ chains }: Table): Chain[] {
  return [...chains.values()].filter(({ base }) => base?.hook === "forward");
}

/** The table's name as nft(8) has it: `ip filter`. */
export function tableName({ family, name }: Pick<Table, "family" | "name">): NftablesTable {
  return `${family} ${name}`;
}

/**
 * Looks at what a table does with packets of these pods, and what is to be done about it. Rules of ours go into iptables'
 * FORWARD alone, and there only where what would drop the packets is no rule that looks at addresses but the end of the
 * chain: its policy, or a rule for all that is left. Pure.
 */
export function planForward(
  table: Table,
  pods: readonly Prefix[],
  choice: ForwardChoice,
): ForwardPlan {
  const others = withoutOurs(table);
  const drops: Drop[] = [];
  const passed: Prefix[] = [];
  for (const { name } of forwardChains(table)) {
    for (const pool of pods) {
      const drop = fates(others, name, pool).find(({ kind }) => kind === "drop");
      if (drop === undefined) continue;
      const isOurs = isOfIptables(table, name) && !drop.isAimed && choice === "accept";
      if (isOurs) passed.push(pool);
      else drops.push(dropOf(table, name, drop, pool));
    }
  }
  const own = ownRules(table);
  const present = own.length;
  if (passed.length === 0) {
    return {
      script: removal(table, own),
      present,
      passage: undefined,
      passed,
      drops: joined(drops),
    };
  }
  const wanted = passed.flatMap((pool) => [`saddr ${pool.text}`, `daddr ${pool.text}`]);
  const isRight = hasOwn(own, wanted) && passed.every((pool) => !isDropped(table, pool));
  const place = placeFor(others, passed);
  const chain = isRight ? (own[0] as OwnRule).chain : place.chain;
  const insertion = passed.flatMap((pool) =>
    rulesFor(pool).map((rule) => command(table, place, rule)),
  );
  return {
    script: isRight ? undefined : [removal(table, own) ?? "", ...insertion].join(""),
    present,
    passage: `${tableName(table)} ${chain}`,
    passed,
    drops: joined(drops),
  };
}

/** Rules of ours in a table, by their chains, and the script that takes them out. */
export function forwardRemains(
  table: Table,
): { readonly chain: string; readonly count: number; readonly removal: string }[] {
  return [...table.chains.keys()].flatMap((chain) => {
    const own = ownRules(table).filter((rule) => rule.chain === chain);
    const script = removal(table, own);
    return script === undefined ? [] : [{ chain, count: own.length, removal: script }];
  });
}

/** Did iptables make this chain, in nftables' kernel? */
function isOfIptables(table: Table, chain: string): boolean {
  return OPENABLE.includes(tableName(table)) && chain === FORWARD;
}

interface OwnRule {
  readonly chain: string;
  readonly handle: number;
  /** `saddr 10.233.0.0/16`; empty of one that is not as we made it. */
  readonly text: string;
}

function ownRules({ chains }: Table): OwnRule[] {
  return [...chains.values()].flatMap(({ name, rules }) =>
    rules.flatMap((rule) => {
      const { isOurs, handle } = rule;
      return isOurs ? [{ chain: name, handle, text: ownText(rule) }] : [];
    }),
  );
}

function ownText({ addresses: [match, ...more], verdict, isConditional }: Rule): string {
  const isAsMade = more.length === 0 && verdict?.kind === "accept" && !isConditional;
  if (match === undefined || !isAsMade || match.isNegated) return "";
  const field = match.field === "source" ? "saddr" : "daddr";
  return `${field} ${match.prefixes.map(({ text }) => text).join(" ")}`;
}

/** Are they these, all in one chain? */
function hasOwn(own: readonly OwnRule[], wanted: readonly string[]): boolean {
  const chains = new Set(own.map(({ chain }) => chain));
  const texts = own.map(({ text }) => text).sort();
  return chains.size === 1 && texts.join() === [...wanted].sort().join();
}

function removal({ family, name }: Table, own: readonly OwnRule[]): string | undefined {
  if (own.length === 0) return undefined;
  return own
    .map(({ chain, handle }) => `delete rule ${family} ${name} ${chain} handle ${handle}\n`)
    .join("");
}

/** `ip saddr 10.233.0.0/16 counter accept comment "margay: pods"`, and the way back. */
function rulesFor({ version, text }: Prefix): string[] {
  return ["saddr", "daddr"].map((field) => {
    return `${version === 6 ? "ip6" : "ip"} ${field} ${text} counter accept comment "${OUR_COMMENT}"`;
  });
}

function isDropped(table: Table, pool: Prefix): boolean {
  return fates(table, FORWARD, pool).some(({ kind }) => kind === "drop");
}

/** Of packets from these pods, and of those to them; none of pods whose IP version the table has nothing to do with. */
function fates(table: Table, name: string, pods: Prefix): Fate[] {
  const chain = table.chains.get(name);
  const versions: Readonly<Record<string, readonly number[]>> = { ip: [4], ip6: [6], inet: [4, 6] };
  if (chain === undefined || versions[table.family]?.includes(pods.version) !== true) return [];
  return DIRECTIONS.map((direction) => fateOf(table, chain, { direction, pods }));
}

interface Place {
  readonly chain: string;
  /** Of the rule before which ours go; at the end without. */
  readonly before: number | undefined;
}

/** Where rules of ours are met before what drops, and after every rule that looks at its packets. */
function placeFor(table: Table, pods: readonly Prefix[]): Place {
  const base = table.chains.get(FORWARD) as Chain;
  const drops = pods.flatMap((one) =>
    fates(table, FORWARD, one).filter(({ kind }) => kind === "drop"),
  );
  const first = Math.min(...drops.map(({ index }) => index));
  const user = table.chains.get(DOCKER_USER);
  const jump = base.rules.findIndex(({ verdict, isConditional, addresses }) => {
    const isJump = verdict?.kind === "jump" && verdict.target === DOCKER_USER;
    return isJump && !isConditional && addresses.length === 0;
  });
  if (user !== undefined && jump >= 0 && jump <= first) {
    return { chain: DOCKER_USER, before: user.rules.find(isLast)?.handle };
  }
  return { chain: FORWARD, before: base.rules[first]?.handle };
}

/** No packet goes beyond it. */
function isLast({ verdict, isConditional, addresses }: Rule): boolean {
  const isEnd = verdict !== undefined && verdict.kind !== "jump";
  return isEnd && !isConditional && addresses.length === 0;
}

function command(table: Table, { chain, before }: Place, rule: string): string {
  const at = `${tableName(table)} ${chain}`;
  if (before === undefined) return `add rule ${at} ${rule}\n`;
  return `insert rule ${at} handle ${before} ${rule}\n`;
}

function withoutOurs(table: Table): Table {
  const chains = new Map(
    [...table.chains].map(([name, chain]) => [
      name,
      { ...chain, rules: chain.rules.filter(({ isOurs }) => !isOurs) },
    ]),
  );
  return { ...table, chains };
}

/** What iptables brought along cannot be read to its end, and its chains drop what is left over. */
function dropOf(table: Table, base: string, fate: Fate, pool: Prefix): Drop {
  const { chain, rule, isSure } = fate;
  return { table, chain, rule, pods: [pool], isSure: isSure || isOfIptables(table, base) };
}

/** One for all pods that the same rule drops. */
function joined(drops: readonly Drop[]): Drop[] {
  const all = new Map<string, Drop>();
  for (const drop of drops) {
    const key = `${drop.chain} ${drop.rule?.handle} ${drop.isSure}`;
    const before = all.get(key);
    all.set(key, before === undefined ? drop : { ...before, pods: [...before.pods, ...drop.pods] });
  }
  return [...all.values()];
}
