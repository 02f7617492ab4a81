import { communityText } from "./communities.ts";
import type { ForeignRoute } from "./speaker.ts";

/** A line of ExaBGP's JSON; only what is read here. */
export interface ExaBgpEvent {
  readonly type?: string;
  readonly neighbor?: {
    readonly address?: { readonly peer?: string };
    readonly state?: string;
    readonly reason?: string;
    readonly message?: {
      readonly eor?: { readonly afi?: string };
      readonly update?: ExaBgpUpdate;
    };
  };
}

interface ExaBgpUpdate {
  readonly attribute?: {
    readonly "as-path"?: readonly number[];
    readonly "local-preference"?: number;
    readonly "originator-id"?: string;
    readonly "cluster-list"?: readonly string[];
    readonly community?: readonly (readonly number[])[];
    readonly "large-community"?: readonly (readonly number[])[];
    readonly med?: number;
  };
  readonly announce?: PerFamily<Readonly<Record<string, readonly ExaBgpNlri[]>>>;
  readonly withdraw?: PerFamily<readonly ExaBgpNlri[]>;
}

interface PerFamily<T> {
  readonly "ipv4 unicast"?: T;
  readonly "ipv6 unicast"?: T;
}

interface ExaBgpNlri {
  readonly nlri?: string;
  /** A dotted quad, with ADD-PATH. */
  readonly "path-information"?: string;
}

/** RFC 4271's name of the state that the last report on a neighbour speaks of. */
export function stateIn(events: readonly ExaBgpEvent[], address: string): string {
  const last = events.findLast(
    ({ type, neighbor }) => type === "state" && neighbor?.address?.peer === address,
  );
  if (last?.neighbor?.state === "up") return "Established";
  return last?.neighbor?.state === "connected" ? "OpenSent" : "Idle";
}

/** Why the last session with a neighbour that was Established ended. */
export function lastDownIn(events: readonly ExaBgpEvent[], address: string): string {
  let [wasUp, reason] = [false, ""];
  for (const { type, neighbor } of events) {
    if (type !== "state" || neighbor?.address?.peer !== address) continue;
    if (wasUp && neighbor.state === "down") reason = neighbor.reason ?? "";
    wasUp = neighbor.state === "up";
  }
  return reason;
}

/** What the neighbours have announced since their session came up, and not withdrawn. */
export function readAdjRibIn(events: readonly ExaBgpEvent[]): readonly ForeignRoute[] {
  const tables = new Map<string, Map<string, ForeignRoute>>();
  for (const { type, neighbor } of events) {
    const peer = neighbor?.address?.peer ?? "";
    const table = tables.get(peer) ?? new Map<string, ForeignRoute>();
    tables.set(peer, table);
    if (type === "state" && neighbor?.state !== "connected") table.clear();
    const update = neighbor?.message?.update;
    if (update !== undefined) applyUpdate(table, update);
  }
  return [...tables.values()].flatMap((table) => [...table.values()]);
}

function applyUpdate(table: Map<string, ForeignRoute>, update: ExaBgpUpdate): void {
  for (const family of ["ipv4 unicast", "ipv6 unicast"] as const) {
    for (const nlri of update.withdraw?.[family] ?? []) table.delete(keyOf(nlri));
    const announcements = Object.entries(update.announce?.[family] ?? {});
    for (const [nextHop, announced] of announcements) {
      // Its prefixes stand under the global next hop, too.
      if (nextHop.startsWith("fe80:") && announcements.length > 1) continue;
      for (const nlri of announced) table.set(keyOf(nlri), routeOf(nlri, nextHop, update));
    }
  }
}

function keyOf(nlri: ExaBgpNlri): string {
  return `${nlri.nlri}#${nlri["path-information"] ?? ""}`;
}

function routeOf(nlri: ExaBgpNlri, nextHop: string, { attribute }: ExaBgpUpdate): ForeignRoute {
  const localPreference = attribute?.["local-preference"];
  const originatorId = attribute?.["originator-id"];
  const clusterList = attribute?.["cluster-list"];
  return {
    prefix: nlri.nlri ?? "",
    nextHop,
    asPath: attribute?.["as-path"] ?? [],
    ...(originatorId === undefined ? {} : { originatorId }),
    ...(clusterList === undefined ? {} : { clusterList }),
    ...(localPreference === undefined ? {} : { localPreference }),
    communities: attribute?.community?.map(communityText) ?? [],
    largeCommunities: (attribute?.["large-community"] ?? []).map((parts) => parts.join(":")),
    ...(attribute?.med === undefined ? {} : { med: attribute.med }),
  };
}
