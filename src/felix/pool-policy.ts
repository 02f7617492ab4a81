import { type Prefix, prefixContains } from "../net/prefix.ts";
import type { Encapsulation } from "./encapsulation.ts";
import type { TunnelChoice } from "./tunnel-kind.ts";

/** How the pods of some range are reached. */
export interface PathPolicy {
  readonly encapsulation: Encapsulation;
  readonly tunnel: TunnelChoice;
}

/** The policy of a pod pool, or of a part of one. */
export interface PoolPolicy extends PathPolicy {
  readonly prefix: Prefix;
}

/** Which policy a prefix has: that of the longest pool around it, else that of all. Equal policies are one object. */
export class PoolPolicies {
  readonly #pools: readonly { readonly prefix: Prefix; readonly policy: PathPolicy }[];
  readonly #interned = new Map<string, PathPolicy>();
  readonly #otherwise: PathPolicy;
  readonly #words: string;

  constructor(pools: readonly PoolPolicy[], otherwise: PathPolicy) {
    this.#words = wordsOf(pools, otherwise);
    this.#otherwise = this.#intern(otherwise);
    this.#pools = pools
      .map(({ prefix, ...policy }) => ({ prefix, policy: this.#intern(policy) }))
      .sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** Do these say the same? */
  equal(pools: readonly PoolPolicy[], otherwise: PathPolicy): boolean {
    return this.#words === wordsOf(pools, otherwise);
  }

  of(prefix: Prefix): PathPolicy {
    for (const { prefix: pool, policy } of this.#pools) {
      if (prefixContains(pool, prefix)) return policy;
    }
    return this.#otherwise;
  }

  /** Every policy that some prefix may have. */
  all(): PathPolicy[] {
    return [this.#otherwise, ...this.#pools.map(({ policy }) => policy)];
  }

  #intern({ encapsulation, tunnel }: PathPolicy): PathPolicy {
    const key = policyKey({ encapsulation, tunnel });
    const known = this.#interned.get(key);
    if (known !== undefined) return known;
    const policy = { encapsulation, tunnel };
    this.#interned.set(key, policy);
    return policy;
  }
}

function wordsOf(pools: readonly PoolPolicy[], otherwise: PathPolicy): string {
  const words = pools.map((pool) => `${pool.prefix.text} ${policyKey(pool)}`);
  return [...words, policyKey(otherwise)].join(", ");
}

/** `cross-subnet auto` */
export function policyKey({ encapsulation, tunnel }: PathPolicy): string {
  return `${encapsulation} ${tunnel}`;
}
