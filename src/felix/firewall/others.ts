import type { Prefix } from "../../net/prefix.ts";
import type { NftablesTable } from "../../netlink/nftables-event.ts";
import { fits } from "./fate.ts";
import { forwardChains, tableName } from "./forward.ts";
import { type Nft, NftError } from "./nft.ts";
import { type Chain, parseTables, type Rule, type Table } from "./rules.ts";
import { TABLE } from "./table.ts";

/** What other programs have in nftables, as far as it touches packets of pods. */
export interface Others {
  /** Tables, whole, that have chains for packets on their way through this host. */
  readonly forward: readonly Table[];
  /** Tables with chains that change source addresses, and of their chains those that packets of pods get to. */
  readonly nat: readonly Table[];
}

/** Of tables that packets of IP get to. */
const FAMILIES = ["ip ", "ip6 ", "inet "];
/** More chains than these are followed nowhere: one run of nft(8) reads one chain. */
const NAT_CHAINS = 32;

/** Reads it. `masqueraded`: prefixes whose packets somebody may masquerade; of none nothing is looked for. Rejects with `NftError`. */
export async function readOthers(nft: Nft, masqueraded: readonly Prefix[]): Promise<Others> {
  return readTables(nft, masqueraded, await listHeads(nft));
}

/** Reads these tables anew; of all others it stays with what is known. Rejects with `NftError`. */
export async function readChanged(
  nft: Nft,
  masqueraded: readonly Prefix[],
  known: Others,
  changed: ReadonlySet<NftablesTable>,
): Promise<Others> {
  const isChanged = (table: Table): boolean => changed.has(tableName(table));
  // A table that is read whole shows its chains itself: there is no need to list those of all tables first.
  const heads = known.forward.filter(isChanged);
  const names = new Set(heads.map(tableName));
  if (names.size < changed.size) {
    const isNew = (table: Table): boolean => isChanged(table) && !names.has(tableName(table));
    heads.push(...(await listHeads(nft)).filter(isNew));
  }
  const read = await readTables(nft, masqueraded, heads);
  return {
    forward: [...known.forward.filter((table) => !isChanged(table)), ...read.forward],
    nat: [...known.nat.filter((table) => !isChanged(table)), ...read.nat],
  };
}

/** Is it a table of another program's that may touch packets of pods? */
export function isOfOthers(name: NftablesTable): boolean {
  return FAMILIES.some((family) => name.startsWith(family)) && name !== TABLE;
}

/** The tables, with chains that have no rules yet. */
async function listHeads(nft: Nft): Promise<Table[]> {
  const tables = parse(await nft.list("-j", "list", "chains"));
  return tables.filter((table) => isOfOthers(tableName(table)));
}

async function readTables(
  nft: Nft,
  masqueraded: readonly Prefix[],
  heads: readonly Table[],
): Promise<Others> {
  const forward: Table[] = [];
  const nat: Table[] = [];
  for (const head of heads) {
    if (forwardChains(head).length > 0) {
      for (const whole of await list(nft, "table", head)) {
        if (forwardChains(whole).length > 0) forward.push(whole);
        if (masqueraded.length > 0 && natBases(whole).length > 0) nat.push(whole);
      }
    } else if (masqueraded.length > 0) {
      const chains = await natChains(nft, head, masqueraded);
      if (chains.size > 0) nat.push({ ...head, chains });
    }
  }
  return { forward, nat };
}

/** Base chains that change source addresses. */
export function natBases({ chains }: Table): Chain[] {
  return [...chains.values()].filter(
    ({ base }) => base?.type === "nat" && base.hook === "postrouting",
  );
}

/** Reads the chains, each for itself: a table of NAT may have tens of thousands of rules that are none of ours. */
async function natChains(
  nft: Nft,
  table: Table,
  pods: readonly Prefix[],
): Promise<Map<string, Chain>> {
  const chains = new Map<string, Chain>();
  const due = natBases(table).map(({ name }) => name);
  for (let name = due.shift(); name !== undefined; name = due.shift()) {
    if (chains.has(name) || chains.size === NAT_CHAINS) continue;
    const [read] = await list(nft, "chain", table, name);
    const chain = read?.chains.get(name);
    if (chain === undefined) continue;
    chains.set(name, chain);
    for (const rule of chain.rules) due.push(...targetsOf(rule, pods));
  }
  return chains;
}

function targetsOf(rule: Rule, pods: readonly Prefix[]): string[] {
  const { verdict } = rule;
  if (verdict === undefined || !("target" in verdict)) return [];
  const isMet = pods.some((one) => fits(rule, { direction: "from", pods: one }));
  return isMet ? [verdict.target] : [];
}

/** What is gone since is nothing. */
async function list(
  nft: Nft,
  what: "table" | "chain",
  { family, name }: Table,
  ...chain: readonly string[]
): Promise<Table[]> {
  try {
    return parse(await nft.list("-j", "-a", "list", what, family, name, ...chain));
  } catch (error) {
    if (error instanceof NftError && error.isAbsent) return [];
    throw error;
  }
}

function parse(json: string): Table[] {
  try {
    return parseTables(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NftError("nft(8) says what is no JSON", "an nft(8) with support for JSON");
  }
}
