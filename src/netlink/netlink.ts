import type { InterfaceAddress } from "./address.ts";
import type { Link, LinkChange, NewLink } from "./link.ts";
import type { Neighbour, NeighbourTable } from "./neighbour.ts";
import type { NextHopObject } from "./next-hop.ts";
import type { KernelRoute } from "./route.ts";
import type { RouteChange, RouteFilter, RouteIdentity } from "./route-request.ts";

/** Something changed in the kernel, by another hand than this `Netlink`'s own changes of routes and next hops. */
export type NetlinkEvent =
  | {
      readonly kind: "route";
      readonly op: "new" | "deleted";
      /** A new route that took the place of another with the same prefix and metric. */
      readonly replaced: boolean;
      readonly route: KernelRoute;
      /** The port of the socket that asked for it, mostly the process's id; 0 for the kernel itself. */
      readonly portId: number;
    }
  | {
      readonly kind: "link";
      readonly op: "new" | "deleted";
      readonly link: Link;
      /** As with routes, where the kernel tells (of links since Linux 6.2, and never of their settings); else, and of our own hand, 0. */
      readonly portId?: number;
    }
  | {
      readonly kind: "address";
      readonly op: "new" | "deleted";
      readonly address: InterfaceAddress;
      /** As with links. */
      readonly portId?: number;
    }
  | {
      readonly kind: "neighbour";
      readonly op: "new" | "deleted";
      readonly neighbour: Neighbour;
      /** As with links. */
      readonly portId?: number;
    }
  /** A setting of IP on a link, such as its rp_filter, has another value. */
  | {
      readonly kind: "setting";
      readonly op: "new" | "deleted";
      readonly version: 4 | 6;
      /** `EVERY_LINK` of `all`, -2 of `default`. */
      readonly ifindex: number;
      /** Whether packets are forwarded, where that is among what has changed. */
      readonly forwarding?: boolean;
    }
  | {
      readonly kind: "next-hop";
      readonly op: "new" | "deleted";
      readonly object: NextHopObject;
      /** As with routes. */
      readonly portId: number;
    }
  /** Events were lost (ENOBUFS): nothing known is certain any more. */
  | { readonly kind: "overflow" };

/** NETCONFA_IFINDEX_ALL. */
export const EVERY_LINK = -1;

/** The link that an event is about; `EVERY_LINK` of a setting of all. */
export function linkOf(event: NetlinkEvent): number {
  if (event.kind === "neighbour") return event.neighbour.ifindex;
  if (event.kind === "address") return event.address.ifindex;
  if (event.kind === "setting") return event.ifindex;
  return event.kind === "link" ? event.link.ifindex : 0;
}

/** The kernel's answer to "which entry of the FIB does this address match?" */
export type RouteLookup =
  | { readonly found: true; readonly route: KernelRoute }
  | { readonly found: false; readonly errno: number; readonly text: string };

/** A change of a batch that the kernel refused. */
export interface RouteFailure {
  /** Which of the changes, from 0. */
  readonly index: number;
  /** Positive errno. */
  readonly errno: number;
  /** `ENETUNREACH: Nexthop has invalid gateway`. */
  readonly text: string;
}

/** The routing side of a Linux kernel. Opening one is the implementation's business; `close` ends it. */
export interface Netlink {
  /** Tells every change from now on; returns what ends it. */
  onEvent(listener: (event: NetlinkEvent) => void): () => void;
  /** Tells now what the event loop would tell in its next turn. */
  hear(): void;
  /**
   * Tells of nothing until the work is done, and then of all that came meanwhile: what is listed was so before some of it, and
   * must not be taken in after it.
   */
  hold<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Lists routes, calling `each` as they come, in slices between which the event loop turns. An event that tells of a
   * change after `each` had the route comes later than it. Where `alike` is given, it may be told, many at once, of routes
   * that differ from the one that `each` had last by their IPv4 address alone: numbers, which hold until it returns.
   */
  dumpRoutes(
    filter: RouteFilter,
    each: (route: KernelRoute) => void,
    alike?: (route: KernelRoute, addresses: Int32Array) => void,
  ): Promise<void>;
  dumpLinks(): Promise<Link[]>;
  dumpAddresses(): Promise<InterfaceAddress[]>;
  /** Microseconds; throws nothing for an address without a route. */
  lookup(address: string): RouteLookup;
  /**
   * Applies changes in order; one that fails does not stop the others. Deleting what is not there is no failure. Calls
   * queue up behind each other. Rejects with `NetlinkError` when the outcome of the batch is unknown.
   */
  applyRoutes(
    changes: readonly RouteChange[],
    identity: RouteIdentity,
  ): Promise<readonly RouteFailure[]>;
  /** Next-hop objects of all protocols; `undefined` where the kernel has no such thing (before Linux 5.3). */
  dumpNextHops(): Promise<NextHopObject[] | undefined>;
  /** Makes a next-hop object; fails with EEXIST where the id is taken. Throws `NetlinkError`. */
  makeNextHop(object: NextHopObject): void;
  /**
   * Puts an object in the place of the one that has its id, if any: all routes that lead through it then lead there, at
   * once. In a thread, for the kernel goes through all of them. Rejects with `NetlinkError`.
   */
  replaceNextHop(object: NextHopObject): Promise<void>;
  /** Takes one away, and with it every route that leads through it; one that is not there is well. Throws `NetlinkError`. */
  removeNextHop(id: number): void;
  /** The entries of one link in one table. */
  dumpNeighbours(table: NeighbourTable, ifindex: number): Promise<Neighbour[]>;
  /** Makes a permanent entry, or takes the place of one. Throws `NetlinkError`. */
  setNeighbour(entry: Neighbour): void;
  /** Takes an entry away; one that is not there is well. Throws `NetlinkError`. */
  removeNeighbour(entry: Neighbour): void;
  /** Has the kernel ask for a neighbour, now; an event tells the outcome. Throws `NetlinkError`. */
  probeNeighbour(table: NeighbourTable, ifindex: number, address: string): void;
  /** Makes an interface. Throws `NetlinkError`. */
  createLink(link: NewLink): void;
  /** Throws `NetlinkError`. */
  deleteLink(ifindex: number): void;
  /** Throws `NetlinkError`. */
  changeLink(ifindex: number, change: LinkChange): void;
  /** Gives an interface an address with /32 or /128, marked with a protocol number. Throws `NetlinkError`. */
  addHostAddress(ifindex: number, address: string, protocol: number): void;
  /** Takes a /32 or /128 address away. Throws `NetlinkError`. */
  removeHostAddress(ifindex: number, address: string): void;
  close(): void;
}
