import type { FibPath } from "./path.ts";

/**
 * How many routes of ours the kernel holds of each path, counted as that changes: whenever something may go it is asked where
 * routes lead, and to look at a hundred thousand takes milliseconds each time.
 */
export class HeldPaths {
  readonly #routes = new Map<FibPath, number>();
  /** Of all paths. */
  routes = 0;

  paths(): Iterable<FibPath> {
    return this.#routes.keys();
  }

  add(path: FibPath): void {
    this.routes++;
    this.#routes.set(path, (this.#routes.get(path) ?? 0) + 1);
  }

  remove(path: FibPath): void {
    const left = (this.#routes.get(path) ?? 0) - 1;
    this.routes--;
    if (left > 0) this.#routes.set(path, left);
    else this.#routes.delete(path);
  }
}
