import type { FibChange } from "../fib/row.ts";
import type { FibPath } from "../fib/path.ts";
import { type Prefix, prefixFromOctets } from "../net/prefix.ts";
import type { RouteChange } from "../netlink/route-request.ts";

/**
 * Routes of one path share one record in the kernel (`fib_info`), which dies with the last of them. A reader that has
 * just found that last one while it is being replaced finds a dead record and goes on to the default route: about one
 * look-up in ten thousand under constant change. So the path that is left gets one more route first, to an address
 * that no packet ever has (0.0.0.0/8, RFC 1122 §3.2.1.3), and loses it when the readers have gone. IPv6 has no such record.
 */
export class Anchors {
  #next = 0;
  #standing = new Map<string, RouteChange>();

  /** The routes to make before these changes, in the same message. */
  before(changes: readonly FibChange<unknown>[]): RouteChange[] {
    const anchors: RouteChange[] = [];
    let last: FibPath | undefined;
    let lastMetric = -1;
    for (const change of changes) {
      const { op, metric, path, kernel: left } = change;
      if (op !== "replace" || left === undefined || left === path) continue;
      // Mostly many routes leave one path.
      if (left === last && metric === lastMetric) continue;
      if (change.ipv4Address === undefined) continue;
      [last, lastMetric] = [left, metric];
      if (left.type !== "unicast" || left.extras !== "") continue;
      const key = `${metric} ${left.key}`;
      if (this.#standing.has(key)) continue;
      const anchor = this.#anchor(metric, left);
      this.#standing.set(key, anchor);
      anchors.push(anchor);
    }
    return anchors;
  }

  /** The routes to take away once no reader can be left, if any. */
  after(): RouteChange[] {
    if (this.#standing.size === 0) return [];
    const removals = [...this.#standing.values()].map((anchor): RouteChange => {
      return { ...anchor, op: "delete" };
    });
    this.#standing = new Map();
    return removals;
  }

  #anchor(metric: number, path: FibPath): RouteChange {
    this.#next = (this.#next + 1) & 0xffff;
    return { op: "create", prefix: anchorPrefix(this.#next), metric, path };
  }
}

/** Is this a prefix of an anchor? */
export function isAnchor({ octets, length }: Prefix): boolean {
  return octets[0] === 0 && octets[1] === 77 && length === 32;
}

/** 0.77.0.1/32 and on. */
function anchorPrefix(number: number): Prefix {
  return prefixFromOctets(Uint8Array.of(0, 77, number >>> 8, number & 255), 32);
}
