import { isInMartianBlock, martianPrefixes } from "../../net/martians.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Family } from "../family/family.ts";
import { PathFlag, refusalFlags } from "./adj-rib-in.ts";
import { internAttributes } from "./intern-attributes.ts";
import {
  importAttributes,
  type ImportRules,
  judgeBlock,
  noRules,
  rewritesBlock,
} from "./import-rules.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathReason } from "./path-reason.ts";
import { PrefixRanges } from "./prefix-ranges.ts";
import type { PrefixTable } from "./prefix-table.ts";

/** `any` is everything; `no-policy` is nothing, since nobody said what (RFC 8212). */
export type AcceptedPrefixes = readonly Prefix[] | "any" | "no-policy";

/** Flags of a path that `ImportPolicy.apply` has no block for. */
export const oversizedFlags: number = refusalFlags(PathReason.oversized);

// The same for thousands of peers: made once.
const noPrefixes = new PrefixRanges([]);
const martians = new PrefixRanges(martianPrefixes);

/** Is it a prefix that nobody has (RFC 6890)? */
export function isMartian(table: PrefixTable, id: number): boolean {
  return martians.hold(table, id);
}

/** Which paths are accepted from a peer, and with what attributes. */
export class ImportPolicy {
  readonly rules: ImportRules;
  /** One text per distinct policy. */
  readonly key: string;
  readonly #accepted: PrefixRanges | undefined;
  /** Of these, such as are martians themselves: whoever names them means them. */
  readonly #acceptedMartians: PrefixRanges;
  readonly #refused: PrefixRanges;
  /** Flags of a path whose prefix is not accepted. */
  readonly #prefixFlags: number;

  /**
   * @param accepted prefixes inside one of these; but for martians, which it takes one inside their block to accept: not
   * `0.0.0.0/0`, but `169.254.0.0/16`
   * @param never prefixes inside one of these are refused all the same
   */
  constructor(
    accepted: AcceptedPrefixes,
    never: readonly Prefix[] = [],
    rules: ImportRules = noRules,
  ) {
    this.rules = rules;
    const texts = (prefixes: readonly Prefix[]): string[] => prefixes.map(({ text }) => text);
    const acceptedText = typeof accepted === "string" ? accepted : texts(accepted);
    this.key = JSON.stringify([acceptedText, texts(never), rules]);
    const named = typeof accepted === "string" ? [] : accepted.filter(isInMartianBlock);
    this.#acceptedMartians = named.length === 0 ? noPrefixes : new PrefixRanges(named);
    this.#accepted = typeof accepted === "string" ? undefined : new PrefixRanges(accepted);
    if (accepted === "no-policy") this.#accepted = noPrefixes;
    this.#refused = never.length === 0 ? noPrefixes : new PrefixRanges(never);
    this.#prefixFlags =
      accepted === "no-policy" ? refusalFlags(PathReason.noPolicy) : PathFlag.filtered;
  }

  accepts(table: PrefixTable, id: number): boolean {
    if (this.#refused.hold(table, id)) return false;
    if (this.#accepted !== undefined && !this.#accepted.hold(table, id)) return false;
    return !martians.hold(table, id) || this.#acceptedMartians.hold(table, id);
  }

  /** `PathFlag`s of a path to a prefix. @param blockFlags what `judge` said of its attributes */
  flags(table: PrefixTable, id: number, blockFlags: number): number {
    return this.accepts(table, id) ? blockFlags : this.#prefixFlags;
  }

  /** `PathFlag`s that the attributes of a path give cause for. */
  judge(store: PathAttributeStore, block: number): number {
    const reason = judgeBlock(this.rules, store, block);
    return reason === 0 ? 0 : refusalFlags(reason);
  }

  /**
   * The block that is used in place of one that was received: mostly itself. Nobody holds a reference to a new one yet. -1
   * where it would take more octets than a block can have: paths with it are refused, with `oversizedFlags`.
   */
  apply(store: PathAttributeStore, family: Family, block: number): number {
    if (!rewritesBlock(this.rules, store, block)) return block;
    const attributes = importAttributes(this.rules, store.attributes(block));
    return internAttributes(store, family, attributes, this.rules.allowedOwnAsns);
  }
}
