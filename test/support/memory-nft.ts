import { type Nft, NftError } from "../../src/felix/firewall/nft.ts";
import type { NftablesChange, NftablesTable } from "../../src/netlink/nftables-event.ts";
import type { NftJson } from "./nft-json.ts";

const OURS = 100;

/**
 * nftables in memory, as far as there is one table of ours in it, written as a whole or by elements, and tables of others,
 * of which scripts are only remembered.
 */
export class MemoryNft implements Nft {
  /** Every script that was done. */
  readonly scripts: string[] = [];
  table: string | undefined;
  /** Tables of other programs. */
  others: NftJson[] = [];
  /** What was asked of these. */
  readonly listed: string[] = [];
  /** What each such question costs, and does besides. */
  cpuMsEach = 0;
  whileListingOthers: () => void = () => {};
  cpuMs = 0;
  /** Does something before others' tables are written to. */
  beforeRules: () => void = () => {};
  /** What the next calls fail with. */
  failure: NftError | undefined;
  /** Does something before a listing is made. */
  beforeListing: () => void = () => {};
  listings = 0;
  #listener: ((change: NftablesChange | "overflow") => void) | undefined;

  readonly watch = (listener: (change: NftablesChange | "overflow") => void): (() => void) => {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  };

  get isWatched(): boolean {
    return this.#listener !== undefined;
  }

  apply(script: string): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (/^(insert|add|delete) rule/.test(script)) this.beforeRules();
    this.scripts.push(script);
    if (/^(insert|add|delete) rule/.test(script)) return Promise.resolve();
    if (script.startsWith("add table")) {
      this.table = script.split("\n").slice(2).join("\n") || undefined;
    } else if (this.table === undefined) {
      return Promise.reject(
        new NftError("nft(8) failed: No such file", undefined, { isAbsent: true }),
      );
    } else this.table = withElements(this.table, script);
    this.#tell(OURS);
    return Promise.resolve();
  }

  list(...words: readonly string[]): Promise<string> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (words[0] === "-j") return this.#listOthers(words.filter((word) => !word.startsWith("-")));
    this.listings++;
    this.beforeListing();
    if (this.table !== undefined) return Promise.resolve(this.table);
    return Promise.reject(
      new NftError("nft(8) failed: No such file", undefined, { isAbsent: true }),
    );
  }

  #listOthers(words: readonly string[]): Promise<string> {
    this.listed.push(words.join(" "));
    this.cpuMs += this.cpuMsEach;
    this.whileListingOthers();
    const [, what, family, name, chain] = words;
    if (what === "chains") {
      const all = this.others.flatMap((json) => {
        const { nftables } = JSON.parse(json.text({ withRules: false })) as { nftables: object[] };
        return nftables;
      });
      return Promise.resolve(JSON.stringify({ nftables: all }));
    }
    const json = this.others.find((one) => one.table === `${family} ${name}`);
    return Promise.resolve(json?.text(chain === undefined ? {} : { chain }) ?? '{"nftables":[]}');
  }

  owns(portId: number): boolean {
    return portId === OURS;
  }

  /** Another hand's. */
  change(table: string | undefined): void {
    this.table = table;
    this.#tell(4711);
  }

  /** Another hand's, in tables of others. */
  touch(...tables: readonly NftablesTable[]): void {
    this.#listener?.({ tables: new Set(tables), portId: 4712, processName: "iptables" });
  }

  overflow(): void {
    this.#listener?.("overflow");
  }

  #tell(portId: number): void {
    this.#listener?.({ tables: new Set(["inet margay"]), portId, processName: "nft" });
  }
}

/** A table after a script that adds elements to its sets, or deletes them. */
function withElements(table: string, script: string): string {
  let text = table;
  for (const [, verb, set, list = ""] of script.matchAll(
    /(add|delete) element inet margay (\w+) \{ (.*) \}/g,
  )) {
    text = text.replace(
      new RegExp(`(set ${set} \\{\\n\\t\\ttype \\w+\\n)(?:\\t\\telements = \\{ (.*) \\}\\n)?`),
      (_, head: string, there: string | undefined) => {
        const elements = new Set(there?.split(", "));
        for (const element of list.split(", ")) {
          if (verb === "add") elements.add(element);
          else elements.delete(element);
        }
        const line = `\t\telements = { ${[...elements].join(", ")} }\n`;
        return elements.size === 0 ? head : head + line;
      },
    );
  }
  return text;
}
