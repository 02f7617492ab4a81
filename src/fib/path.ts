/** The kernel's route types, named as iproute2 does. */
export type PathType =
  | "unspec"
  | "unicast"
  | "local"
  | "broadcast"
  | "anycast"
  | "multicast"
  | "blackhole"
  | "unreachable"
  | "prohibit"
  | "throw"
  | "nat"
  | "xresolve";

/** One way out of a route. */
export interface PathHop {
  /** Canonical address, or `undefined` when the destination is on the link. */
  readonly gateway: string | undefined;
  readonly ifindex: number;
  readonly onlink: boolean;
  /** 1..256. */
  readonly weight: number;
}

/** What makes two routes for one prefix differ. */
export interface PathContent {
  readonly type: PathType;
  /** Of a path through a next-hop object of ours, none: the object has them, and may change them. */
  readonly hops: readonly PathHop[];
  /** The next-hop object that the path leads through. */
  readonly nextHopId?: number | undefined;
  /** Octets of the largest packet, where that is less than the interface's. */
  readonly mtu?: number | undefined;
  readonly source?: string | undefined;
  /** Words for what margay never sets; `""` for none. */
  readonly extras?: string;
}

/** Where a route leads. Of one `PathTable`, equal paths are the same object: compare by identity. */
export interface FibPath extends PathContent {
  readonly key: string;
}

/** Makes equal paths the same object. */
export class PathTable {
  readonly #paths = new Map<string, FibPath>();
  /** What was asked for last: routes of one path mostly come together. */
  #content: PathContent | undefined;
  #path: FibPath | undefined;

  intern(content: PathContent): FibPath {
    if (this.#path === undefined || !isSame(content, this.#content)) {
      this.#path = this.#find(content);
      this.#content = content;
    }
    return this.#path;
  }

  #find(content: PathContent): FibPath {
    const key = pathKey(content);
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const { type, nextHopId, mtu, source, extras } = content;
    const hops = nextHopId === undefined ? content.hops : [];
    const path: FibPath = { type, hops, nextHopId, mtu, source, extras: extras ?? "", key };
    this.#paths.set(key, path);
    return path;
  }
}

/** Have the two the same parts, not only equal ones? */
function isSame(a: PathContent, b: PathContent | undefined): boolean {
  if (a.hops !== b?.hops || a.type !== b.type || a.nextHopId !== b.nextHopId) return false;
  return a.source === b.source && a.mtu === b.mtu && a.extras === b.extras;
}

function pathKey(content: PathContent): string {
  const { nextHopId } = content;
  let key: string = nextHopId === undefined ? content.type : `${content.type} nhid ${nextHopId}`;
  for (const { gateway, ifindex, onlink, weight } of nextHopId === undefined ? content.hops : []) {
    key += ` via ${gateway ?? ""} dev ${ifindex} ${onlink ? "onlink" : ""}`;
    if (content.hops.length > 1) key += ` weight ${weight}`;
  }
  if (content.mtu !== undefined) key += ` mtu ${content.mtu}`;
  if (content.source !== undefined) key += ` src ${content.source}`;
  return content.extras === undefined || content.extras === "" ? key : `${key} ${content.extras}`;
}
