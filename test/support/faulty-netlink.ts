import { errnoText, NetlinkError } from "../../src/netlink/errno.ts";
import type { Netlink, RouteFailure } from "../../src/netlink/netlink.ts";

/**
 * What a call comes to that goes wrong:
 * - refused: the kernel says no, and has done nothing
 * - lost: the kernel has done it, and its answer does not come
 * - short: a listing ends in the middle, without a word
 */
export type Fault =
  | { readonly kind: "refused" | "lost"; readonly errno: number }
  | { readonly kind: "short" };

/** The methods that ask the kernel something. */
const listings = ["dumpRoutes", "dumpLinks", "dumpAddresses", "dumpNextHops", "dumpNeighbours"];

/** A `Netlink` whose n-th call goes wrong, once. */
export class FaultyNetlink {
  /** To be handed on as what it wraps. */
  readonly netlink: Netlink;
  /** Calls so far. */
  calls = 0;
  /** What went wrong: `applyRoutes refused`. */
  struck: string | undefined;

  /** `at`: which call, from 1. */
  constructor(inner: Netlink, at: number, fault: Fault) {
    this.netlink = new Proxy(inner, {
      get: (target, name: keyof Netlink) => {
        const method = target[name] as (...values: unknown[]) => unknown;
        if (["onEvent", "hear", "hold", "close"].includes(name)) return method.bind(target);
        return (...values: unknown[]): unknown => {
          const call = (): unknown => method.apply(target, values);
          if (++this.calls !== at) return call();
          this.struck = `${name} ${fault.kind}`;
          return fault.kind === "short"
            ? cutShort(name, values, (cut) => method.apply(target, cut))
            : fail(name, call, fault.kind, fault.errno);
        };
      },
    });
  }
}

function fail(name: string, call: () => unknown, kind: "refused" | "lost", errno: number): unknown {
  if (name === "lookup") return { found: false, errno, text: errnoText(errno) };
  const error = new NetlinkError(name, errno);
  if (name === "applyRoutes" || listings.includes(name)) {
    if (kind === "refused") return Promise.reject(error);
    return Promise.resolve(call()).then(() => Promise.reject(error));
  }
  if (kind === "lost") call();
  throw error;
}

function cutShort(name: string, values: unknown[], call: (values: unknown[]) => unknown): unknown {
  if (!listings.includes(name)) return call(values);
  if (name !== "dumpRoutes") {
    return Promise.resolve(call(values)).then((all) => {
      return Array.isArray(all) ? all.slice(0, Math.ceil(all.length / 2)) : all;
    });
  }
  const each = values[1] as (route: unknown) => void;
  let count = 0;
  // Every second one: in what order the kernel tells is nobody's business.
  const some = (route: unknown): void => {
    if (count++ % 2 === 0) each(route);
  };
  return call([values[0], some]);
}

/** Has one change of a batch refused; which is up to `choose`. For faults inside a batch rather than of it. */
export function refuseOne(inner: Netlink, choose: () => boolean, errno: number): Netlink {
  return new Proxy(inner, {
    get(target, name: keyof Netlink) {
      if (name !== "applyRoutes") {
        return (target[name] as (...values: unknown[]) => unknown).bind(target);
      }
      return async (...[changes, identity]: Parameters<Netlink["applyRoutes"]>) => {
        const refused = new Set(changes.filter(choose));
        const kept = changes.filter((change) => !refused.has(change));
        const failures = await target.applyRoutes(kept, identity);
        const all = new Map(failures.map((failure) => [kept[failure.index], failure]));
        return changes.flatMap((change, index): RouteFailure[] => {
          if (refused.has(change)) return [{ index, errno, text: errnoText(errno) }];
          const failure = all.get(change);
          return failure === undefined ? [] : [{ ...failure, index }];
        });
      };
    },
  });
}
