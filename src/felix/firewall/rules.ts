import { parsePrefix, type Prefix } from "../../net/prefix.ts";

/** What a rule does with a packet that it fits. */
export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "masquerade" | "unknown" }
  | { readonly kind: "jump" | "goto"; readonly target: string };

/** A rule, as far as it can be told which packets of pods it fits whatever else they are. */
export interface Rule {
  readonly handle: number;
  /** It fits only some packets of those that its addresses fit: by an interface, a mark, a set with a name, … */
  readonly isConditional: boolean;
  /** It fits no packet that is the first of its connection, or that bears no mark. */
  readonly fitsNoNew: boolean;
  readonly addresses: readonly AddressMatch[];
  /** `undefined`: it counts, marks or logs, and the packet goes on. Only that of a conditional rule is unknown. */
  readonly verdict: Verdict | undefined;
  /** It is ours. */
  readonly isOurs: boolean;
}

export interface AddressMatch {
  readonly field: "source" | "destination";
  /** Any of these. */
  readonly prefixes: readonly Prefix[];
  readonly isNegated: boolean;
}

export interface Chain {
  readonly name: string;
  /** `undefined` of a chain that others jump to. */
  readonly base:
    | { readonly type: string; readonly hook: string; readonly policy: "accept" | "drop" }
    | undefined;
  readonly rules: readonly Rule[];
}

/** A table of somebody's: chains by name. */
export interface Table {
  /** `ip`, `ip6`, `inet`, … */
  readonly family: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** Marks a rule in another's table as ours. */
export const OUR_COMMENT = "margay: pods";

/** Reads what `nft --json --handle list …` says: all tables in it. Throws `SyntaxError` for what is no JSON. */
export function parseTables(json: string): Table[] {
  const tables = new Map<string, Table & { readonly chains: Map<string, Chain> }>();
  const { nftables } = JSON.parse(json) as { nftables: readonly JsonEntry[] };
  const chainsOf = ({ family, table: name }: JsonPlace): Map<string, Chain> => {
    const key = `${family} ${name}`;
    const table = tables.get(key) ?? { family, name, chains: new Map<string, Chain>() };
    tables.set(key, table);
    return table.chains;
  };
  for (const { chain } of nftables) {
    if (chain === undefined) continue;
    const { name, type, hook, policy } = chain;
    const isBase = type !== undefined && hook !== undefined;
    const base = isBase
      ? ({ type, hook, policy: policy === "drop" ? "drop" : "accept" } as const)
      : undefined;
    chainsOf(chain).set(name, { name, base, rules: [] });
  }
  for (const { rule } of nftables) {
    if (rule === undefined) continue;
    const rules = chainsOf(rule).get(rule.chain)?.rules as Rule[] | undefined;
    rules?.push(readRule(rule));
  }
  return [...tables.values()];
}

interface JsonPlace {
  readonly family: string;
  readonly table: string;
}

interface JsonRule extends JsonPlace {
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

interface JsonEntry {
  readonly chain?: JsonPlace & {
    readonly name: string;
    readonly type?: string;
    readonly hook?: string;
    readonly policy?: string;
  };
  readonly rule?: JsonRule;
}

/** What one statement of a rule is to a packet. */
type Meaning =
  | { readonly is: "nothing" }
  | {
      readonly is: "condition";
      readonly fitsNoNew?: boolean;
      /** A packet that meets it goes nobody knows where. */
      readonly isEnd?: boolean;
      /** What can be said of addresses all the same. */
      readonly match?: AddressMatch;
    }
  | { readonly is: "address"; readonly match: AddressMatch }
  | { readonly is: "verdict"; readonly verdict: Verdict };

const nothing: Meaning = { is: "nothing" };
const condition: Meaning = { is: "condition" };

/** Statements that say nothing of where a packet goes. */
const idle: ReadonlySet<string> = new Set(["counter", "log", "mangle", "notrack", "set", "flow"]);

function readRule({ handle, comment, expr }: JsonRule): Rule {
  const addresses: AddressMatch[] = [];
  let isConditional = false;
  let fitsNoNew = false;
  let verdict: Verdict | undefined;
  for (const statement of expr) {
    const [[kind, value] = ["", undefined]] = Object.entries(statement);
    const meaning = readStatement(kind, value);
    if (meaning.is === "verdict") verdict = meaning.verdict;
    else if (meaning.is === "address") addresses.push(meaning.match);
    else if (meaning.is === "condition") {
      isConditional = true;
      fitsNoNew ||= meaning.fitsNoNew === true;
      if (meaning.isEnd === true) verdict = { kind: "unknown" };
      if (meaning.match !== undefined) addresses.push(meaning.match);
    }
  }
  const isOurs = comment === OUR_COMMENT;
  return { handle, isConditional, fitsNoNew, addresses, verdict, isOurs };
}

function readStatement(kind: string, value: unknown): Meaning {
  const verdict = readVerdict(kind, value);
  if (verdict !== undefined) return { is: "verdict", verdict };
  if (kind === "match") return readMatch(value as JsonMatch);
  if (kind === "xt") return readExtension(value);
  if (kind === "vmap") {
    const fitsNoNew = isStateOfConnection((value as JsonMap).key);
    return { is: "condition", fitsNoNew, isEnd: true };
  }
  if (kind === "queue") return { is: "condition", isEnd: true };
  return idle.has(kind) ? nothing : condition;
}

function readVerdict(kind: string, value: unknown): Verdict | undefined {
  switch (kind) {
    case "accept":
    case "drop":
    case "return":
    case "masquerade":
      return { kind };
    case "reject":
      return { kind: "drop" };
    case "snat":
      return { kind: "masquerade" };
    case "jump":
    case "goto":
      return { kind, target: String((value as { target?: unknown }).target) };
    default:
      return undefined;
  }
}

/** Targets of iptables by what they are to a packet; the others change it, and it goes on. */
const targets: Readonly<Record<string, Verdict>> = {
  REJECT: { kind: "drop" },
  MASQUERADE: { kind: "masquerade" },
  SNAT: { kind: "masquerade" },
};

/** A match or a target that iptables brought along, of which nft(8) knows the name, if anything. */
function readExtension(value: unknown): Meaning {
  const { type, name = "" } = (value ?? {}) as { type?: string; name?: string };
  if (type === "match") return name === "comment" ? nothing : condition;
  if (type !== "target") return condition;
  const verdict = targets[name];
  return verdict === undefined ? nothing : { is: "verdict", verdict };
}

interface JsonMap {
  readonly key?: unknown;
}

interface JsonMatch {
  readonly op?: string;
  readonly left?: unknown;
  readonly right?: unknown;
}

interface JsonLeft {
  readonly payload?: { readonly protocol?: string; readonly field?: string };
  readonly meta?: { readonly key?: string };
  readonly ct?: { readonly key?: string };
}

const fields: Readonly<Record<string, AddressMatch["field"]>> = {
  saddr: "source",
  daddr: "destination",
};
const ipv4 = parsePrefix("0.0.0.0/0");
const ipv6 = parsePrefix("::/0");
/** All addresses, by the names of their protocols. */
const everything: Readonly<Record<string, Prefix | undefined>> = {
  ipv4,
  ip: ipv4,
  ipv6,
  ip6: ipv6,
};

function readMatch(match: JsonMatch): Meaning {
  const { op, left, right } = match;
  const isNegated = op === "!=";
  if (isStateOfConnection(left)) {
    return { is: "condition", fitsNoNew: ![right].flat().includes("new") && !isNegated };
  }
  if (op !== "==" && !isNegated) return condition;
  if (isMark(left) && typeof right === "number") {
    // Packets of pods bear none, as long as nobody wants something special of them.
    return (right === 0) === isNegated ? { is: "condition", fitsNoNew: true } : nothing;
  }
  return readAddress(match, isNegated);
}

function readAddress({ left, right }: JsonMatch, isNegated: boolean): Meaning {
  const { payload, meta } = (left ?? {}) as JsonLeft;
  const isOfVersion = meta?.key === "nfproto";
  const version = everything[isOfVersion ? String(right) : (payload?.protocol ?? "")];
  if (version === undefined) return condition;
  const ofVersion: AddressMatch = { field: "source", prefixes: [version], isNegated: false };
  if (isOfVersion) return isNegated ? condition : { is: "address", match: ofVersion };
  const field = fields[payload?.field ?? ""];
  const prefixes = readPrefixes(right);
  if (field === undefined || prefixes === undefined) return { is: "condition", match: ofVersion };
  return { is: "address", match: { field, prefixes, isNegated } };
}

/** Is it the packet's mark, or some bits of it? */
function isMark(left: unknown): boolean {
  const { "&": masked } = (left ?? {}) as { "&"?: readonly unknown[] };
  const { meta } = ((masked === undefined ? left : masked[0]) ?? {}) as JsonLeft;
  return meta?.key === "mark";
}

function isStateOfConnection(key: unknown): boolean {
  return ((key ?? {}) as JsonLeft).ct?.key === "state";
}

/** `undefined` of anything but addresses that are written down right there. */
function readPrefixes(value: unknown): Prefix[] | undefined {
  const { set } = (value ?? {}) as { set?: readonly unknown[] };
  const elements = (Array.isArray(set) ? set : [value]).map(readPrefix);
  return elements.every((element) => element !== undefined) ? elements : undefined;
}

function readPrefix(value: unknown): Prefix | undefined {
  if (typeof value === "string") {
    return parsePrefix(value) ?? parsePrefix(`${value}/${value.includes(":") ? 128 : 32}`);
  }
  const { prefix } = (value ?? {}) as { prefix?: { addr: string; len: number } };
  return prefix === undefined ? undefined : parsePrefix(`${prefix.addr}/${prefix.len}`);
}
