/** One statement of a rule, as nft(8) shows it in JSON. */
export type Statement = Readonly<Record<string, unknown>>;

type Entry = Readonly<Record<string, unknown>>;

function address(field: "saddr" | "daddr", text: string, op: "==" | "!="): Statement {
  const [addr = "", length] = text.split("/");
  const right = length === undefined ? addr : { prefix: { addr, len: Number(length) } };
  const protocol = text.includes(":") ? "ip6" : "ip";
  return { match: { op, left: { payload: { protocol, field } }, right } };
}

export const from = (text: string): Statement => address("saddr", text, "==");
export const to = (text: string): Statement => address("daddr", text, "==");
export const notFrom = (text: string): Statement => address("saddr", text, "!=");
export const notTo = (text: string): Statement => address("daddr", text, "!=");
export const accept: Statement = { accept: null };
export const drop: Statement = { drop: null };
export const back: Statement = { return: null };
export const masquerade: Statement = { xt: { type: "target", name: "MASQUERADE" } };
export const jump = (target: string): Statement => ({ jump: { target } });
/** A match of iptables that nft(8) knows by name alone. */
export const matched = (name: string): Statement => ({ xt: { type: "match", name } });
export const into = (device: string): Statement => ({
  match: { op: "==", left: { meta: { key: "iifname" } }, right: device },
});
export const marked = (op: "==" | "!=", bits: number): Statement => ({
  match: { op, left: { "&": [{ meta: { key: "mark" } }, bits] }, right: bits },
});
export const established: Statement = {
  match: { op: "in", left: { ct: { key: "state" } }, right: ["established", "related"] },
};

/** Builds what `nft -j -a list table` says, of one table. */
export class NftJson {
  /** `ip filter` */
  readonly table: string;
  readonly #place: Entry;
  readonly #chains: Entry[] = [];
  readonly #rules: Entry[] = [];
  #handle = 1;

  /** `table`: such as `ip filter`. */
  constructor(table: string) {
    this.table = table;
    const [family = "", name = ""] = table.split(" ");
    this.#place = { family, table: name };
  }

  /** A base chain of filters where packets are on their way through. */
  forward(name: string, policy: "accept" | "drop", ...rules: readonly Statement[][]): this {
    return this.#chain(name, { type: "filter", hook: "forward", prio: 0, policy }, rules);
  }

  /** A base chain that changes source addresses. */
  postrouting(name: string, ...rules: readonly Statement[][]): this {
    const base = { type: "nat", hook: "postrouting", prio: 100, policy: "accept" };
    return this.#chain(name, base, rules);
  }

  chain(name: string, ...rules: readonly Statement[][]): this {
    return this.#chain(name, {}, rules);
  }

  /** A rule after those that are there. */
  rule(chain: string, expr: readonly Statement[], comment?: string): this {
    const handle = this.#handle++;
    const words = comment === undefined ? {} : { comment };
    this.#rules.push({ rule: { ...this.#place, chain, handle, ...words, expr } });
    return this;
  }

  #chain(name: string, base: Entry, rules: readonly Statement[][]): this {
    this.#chains.push({ chain: { ...this.#place, name, handle: this.#handle++, ...base } });
    for (const rule of rules) this.rule(name, rule);
    return this;
  }

  /** `what`: all of it, its chains without rules, or one chain. */
  text(what: { readonly chain?: string; readonly withRules?: boolean } = {}): string {
    const { chain, withRules = true } = what;
    const nameOf = (entry: Entry): unknown => {
      const { name } = (entry["chain"] ?? {}) as { name?: string };
      return name ?? (entry["rule"] as { chain: string }).chain;
    };
    const all = [...this.#chains, ...(withRules ? this.#rules : [])];
    const wanted = all.filter((entry) => chain === undefined || nameOf(entry) === chain);
    return JSON.stringify({ nftables: [{ metainfo: { version: "1.0.6" } }, ...wanted] });
  }
}
