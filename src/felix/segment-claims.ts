import type { Prefix } from "../net/prefix.ts";
import { neighbourName, type SegmentClaim } from "../net/segment-claim.ts";

/** What is known of a next hop by its own word. */
interface Known {
  readonly subnet: Prefix;
  /** It asks for us in vain. */
  readonly isDeaf: boolean;
  /** Routes that bear a claim of it. */
  readonly routes: Set<string>;
}

const none: readonly SegmentClaim[] = [];

/** What other nodes say of their segments, as long as some route of theirs says it: the newest word of each counts. */
export class SegmentClaims {
  /** How claims of each IP version name this node. */
  readonly #names: Readonly<Partial<Record<4 | 6, string>>>;
  readonly #known = new Map<string, Known>();
  /** By prefix. */
  readonly #routes = new Map<string, readonly SegmentClaim[]>();

  constructor(own: Readonly<Partial<Record<4 | 6, string>>>) {
    this.#names = {
      ...(own[4] !== undefined && { 4: neighbourName(own[4]) }),
      ...(own[6] !== undefined && { 6: neighbourName(own[6]) }),
    };
  }

  /** The subnet that a next hop says it is in. */
  subnet(address: string): Prefix | undefined {
    return this.#known.get(address)?.subnet;
  }

  /** Does a next hop say that it does not hear us? */
  isDeaf(address: string): boolean {
    return this.#known.get(address)?.isDeaf ?? false;
  }

  /** A route bears these claims now, and no others. Returns whether that is news of any next hop. */
  set(prefix: Prefix, claims: readonly SegmentClaim[] = none): boolean {
    if (claims.length === 0 && this.#routes.size === 0) return false;
    const { text } = prefix;
    const before = this.#routes.get(text) ?? none;
    if (claims === before) return false;
    if (claims.length === 0) this.#routes.delete(text);
    else this.#routes.set(text, claims);
    let isNews = false;
    for (const claim of claims) isNews = this.#take(text, claim) || isNews;
    for (const { address } of before) {
      const isStill = claims.some((claim) => claim.address === address);
      if (!isStill) isNews = this.#drop(text, address) || isNews;
    }
    return isNews;
  }

  #take(route: string, { address, subnet, unheard }: SegmentClaim): boolean {
    const known = this.#known.get(address);
    const name = this.#names[address.includes(":") ? 6 : 4];
    const isDeaf = name !== undefined && unheard.includes(name);
    const routes = known?.routes ?? new Set();
    routes.add(route);
    this.#known.set(address, { subnet, isDeaf, routes });
    return known?.subnet.text !== subnet.text || (known?.isDeaf ?? false) !== isDeaf;
  }

  #drop(route: string, address: string): boolean {
    const known = this.#known.get(address);
    known?.routes.delete(route);
    return known?.routes.size === 0 && this.#known.delete(address);
  }
}
