import type { NextHopObject } from "../netlink/next-hop.ts";
import type { KernelRoute } from "../netlink/route.ts";

/**
 * The next-hop objects that other programs have a use for: their routes lead through them, or a group does that they made or
 * lead through. The kernel would take those routes away together with the object, and tell nobody.
 */
export class ObjectUsers {
  readonly #protocol: number;
  readonly #used = new Set<number>();

  /** `protocol`: rtm_protocol of what is ours. */
  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  saw({ protocol, nextHopId }: Pick<KernelRoute, "protocol" | "nextHopId">): void {
    if (nextHopId !== undefined && protocol !== this.#protocol) this.#used.add(nextHopId);
  }

  /** Ids, given all objects that there are. */
  objects(all: Iterable<NextHopObject>): ReadonlySet<number> {
    const needed = new Set(this.#used);
    for (const { id, protocol, members } of all) {
      if (protocol === this.#protocol && !this.#used.has(id)) continue;
      for (const member of members) needed.add(member.id);
    }
    return needed;
  }
}
