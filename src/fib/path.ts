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
  readonly hops: readonly PathHop[];
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

  intern(content: PathContent): FibPath {
    const key = pathKey(content);
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const { type, hops, source, extras } = content;
    const path: FibPath = { type, hops, source, extras: extras ?? "", key };
    this.#paths.set(key, path);
    return path;
  }
}

function pathKey(content: PathContent): string {
  let key: string = content.type;
  for (const { gateway, ifindex, onlink, weight } of content.hops) {
    key += ` via ${gateway ?? ""} dev ${ifindex} ${onlink ? "onlink" : ""}`;
    if (content.hops.length > 1) key += ` weight ${weight}`;
  }
  if (content.source !== undefined) key += ` src ${content.source}`;
  return content.extras === undefined || content.extras === "" ? key : `${key} ${content.extras}`;
}
