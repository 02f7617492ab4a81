import type { Fib } from "../../../src/fib/fib.ts";
import type { FibPath } from "../../../src/fib/path.ts";
import type { FibChange } from "../../../src/fib/row.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";

const STATIC = 4;
const EEXIST = 17;

/** What others do to a route: "make ours" puts one that bears our protocol in the place of another's. */
type Act = (typeof ACTS)[number];
export const ACTS = ["add", "delete", "change ours", "make ours"] as const;

interface There {
  readonly path: FibPath;
  readonly ours: boolean;
}

/** A kernel that knows one route per prefix, and tells the Fib what others do: at once, or when it is heard. */
export class TinyKernel {
  readonly routes = new Map<string, There>();
  readonly #fib: Fib<string>;
  readonly #lags: boolean;
  #untold: (() => void)[] = [];

  constructor(fib: Fib<string>, lags: boolean) {
    this.#fib = fib;
    this.#lags = lags;
  }

  /** Tells what is still untold. */
  hear(): void {
    for (const event of this.#untold.splice(0)) event();
  }

  #tell(event: () => void): void {
    this.#untold.push(event);
    if (!this.#lags) this.hear();
  }

  write(change: FibChange<string>): void {
    const { op, prefix: at, path: way } = change;
    const there = this.routes.get(at.text);
    if (op === "create" && there !== undefined) {
      this.#fib.settle(change, { errno: EEXIST, text: "EEXIST" });
      return;
    }
    if (op === "delete") {
      if (there?.ours === true) this.routes.delete(at.text);
    } else {
      this.routes.set(at.text, { path: way, ours: true });
    }
    this.#fib.settle(change, undefined);
  }

  scan(): void {
    this.#fib.beginScan();
    for (const [text, { path: way, ours }] of this.routes) {
      const at = parsePrefix(text) as Prefix;
      if (ours) {
        this.#fib.sawOursAlike(Int32Array.of(at.ipv4Address ?? 0), at.length, 0, way);
      } else this.#fib.sawForeign(at, 0, { ...way, protocol: STATIC }, false);
    }
    this.#fib.endScan(true);
  }

  other(act: Act, at: Prefix, way: FibPath): void {
    const there = this.routes.get(at.text);
    if (act === "add" && there === undefined) {
      this.routes.set(at.text, { path: way, ours: false });
      this.#tell(() => this.#fib.sawForeign(at, 0, { ...way, protocol: STATIC }, false));
    } else if (act === (there?.ours === true ? "change ours" : "make ours") && there) {
      this.routes.set(at.text, { path: way, ours: true });
      this.#tell(() => this.#fib.sawOurs(at, 0, way, true));
    } else if (act === "delete" && there !== undefined) {
      this.routes.delete(at.text);
      this.#tell(() => (there.ours ? this.#fib.lostOurs(at, 0) : this.#fib.lostForeign(at, 0)));
    }
  }
}
