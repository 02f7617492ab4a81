import { WellKnownCommunity } from "../../net/community.ts";
import type { Family } from "../family/family.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import { allowedOwnAsns } from "./context-bits.ts";
import { internAttributes } from "./intern-attributes.ts";
import type { PathAttributeStore } from "./path-attributes.ts";

/**
 * The block with LLGR_STALE attached (RFC 9494 §4.2): itself where it has it. Nobody holds a reference to a new one yet. -1 where
 * it has no room for it.
 */
export function withLlgrStale(store: PathAttributeStore, family: Family, block: number): number {
  if (store.has(block, AttributeTrait.llgrStale)) return block;
  const { communities = [], ...others } = store.attributes(block);
  const attributes = { ...others, communities: [...communities, WellKnownCommunity.llgrStale] };
  return internAttributes(store, family, attributes, allowedOwnAsns(store.contextBits(block)));
}

/** As `withLlgrStale`, for many paths of few blocks. What it was given lives until `release`. */
export class LlgrStaleMarks {
  readonly #store: PathAttributeStore;
  readonly #family: Family;
  readonly #marked = new Map<number, number>();

  constructor(store: PathAttributeStore, family: Family) {
    this.#store = store;
    this.#family = family;
  }

  /** @returns -1 where it cannot be marked */
  mark(block: number): number {
    let marked = this.#marked.get(block);
    if (marked !== undefined) return marked;
    marked = withLlgrStale(this.#store, this.#family, block);
    // The last path of a block takes it along: another must not come under its number meanwhile.
    this.#store.retain(block);
    this.#marked.set(block, marked);
    return marked;
  }

  release(): void {
    for (const block of this.#marked.keys()) this.#store.release(block);
    this.#marked.clear();
  }
}
