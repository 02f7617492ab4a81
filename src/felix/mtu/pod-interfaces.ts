import { type Prefix, prefixContains } from "../../net/prefix.ts";
import type { KernelRoute } from "../../netlink/route.ts";

export interface PodInterfacesOptions {
  /** This node's own. */
  readonly podCidrs: () => readonly Prefix[];
}

/**
 * The interfaces behind which this node's pods are, known by the routes that others (the CNI plugin, or the kernel for a
 * bridge's address) put into our pod CIDRs: a link of each pod, or a bridge. They are looked at, never touched.
 */
export class PodInterfaces {
  readonly #podCidrs: () => readonly Prefix[];
  /** By the route's prefix. */
  #interfaces = new Map<string, number>();
  #seen: Map<string, number> | undefined;
  /** Counts changes. */
  revision = 0;

  constructor({ podCidrs }: PodInterfacesOptions) {
    this.#podCidrs = podCidrs;
  }

  /** A route of another protocol, in the table where ours are. */
  saw({ prefix, type, hops }: KernelRoute): void {
    const [hop] = hops;
    if (type !== "unicast" || hop === undefined || hop.gateway !== undefined) return;
    if (!this.#podCidrs().some((podCidr) => prefixContains(podCidr, prefix))) return;
    this.#seen?.set(prefix.text, hop.ifindex);
    if (this.#interfaces.get(prefix.text) === hop.ifindex) return;
    this.#interfaces.set(prefix.text, hop.ifindex);
    this.revision++;
  }

  lost({ text }: Prefix): void {
    this.#seen?.delete(text);
    if (this.#interfaces.delete(text)) this.revision++;
  }

  /** A listing of all routes of all protocols begins. */
  beginScan(): void {
    this.#seen = new Map();
  }

  /** It is through: what it did not tell of is gone. */
  endScan(): void {
    if (this.#seen === undefined) return;
    if (this.#seen.size !== this.#interfaces.size) this.revision++;
    this.#interfaces = this.#seen;
    this.#seen = undefined;
  }

  get ifindexes(): ReadonlySet<number> {
    return new Set(this.#interfaces.values());
  }
}
