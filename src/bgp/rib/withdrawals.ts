import type { NlriSequence } from "./slab-packer.ts";

/** Prefixes to be withdrawn, with ADD-PATH each with the identifier of the path that is meant. */
export class Withdrawals implements NlriSequence {
  readonly #prefixes: number[] = [];
  readonly #pathIds: number[] = [];
  #at = 0;

  get isEmpty(): boolean {
    return this.#prefixes.length === 0;
  }

  /** @param pathId 0 without ADD-PATH */
  add(prefix: number, pathId: number): void {
    this.#prefixes.push(prefix);
    if (pathId !== 0) this.#pathIds.push(pathId);
  }

  next(): number {
    return this.#at < this.#prefixes.length ? (this.#prefixes[this.#at++] as number) : -1;
  }

  get pathId(): number {
    return this.#pathIds[this.#at - 1] ?? 0;
  }

  clear(): void {
    this.#prefixes.length = 0;
    this.#pathIds.length = 0;
    this.#at = 0;
  }
}
