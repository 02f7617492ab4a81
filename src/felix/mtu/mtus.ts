import type { Prefix } from "../../net/prefix.ts";
import type { KernelRoute } from "../../netlink/route.ts";
import type { Logger } from "../../platform/logger.ts";
import type { KernelPicture } from "../kernel-picture.ts";
import type { NextHopGroup } from "../owner.ts";
import type { Tunnels } from "../tunnels.ts";
import type { PathMtu, PathMtus } from "./path-mtus.ts";
import { PodInterfaces } from "./pod-interfaces.ts";
import { type MtuContext, mtuContext, type RouteMtu, routeMtu, routeMtuText } from "./route-mtu.ts";

/** What packets may be like, at a glance. */
export interface MtuStatus {
  /** Next hops to which less gets than the interface towards them sends. */
  readonly paths: readonly (PathMtu & { readonly nextHop: string })[];
  /** The least that a route in use takes; `undefined` while none is in use. */
  readonly smallest: { readonly octets: number; readonly text: string } | undefined;
  /** Interfaces of this node's pods that send larger packets than that, by name. */
  readonly podInterfaces: readonly { readonly device: string; readonly mtu: number }[];
}

export interface MtusParts {
  readonly paths: PathMtus;
  readonly picture: KernelPicture;
  readonly tunnels: Tunnels;
  readonly podCidrs: () => readonly Prefix[];
  /** Those that routes lead through, and how often that has changed. */
  readonly groups: () => Iterable<NextHopGroup>;
  readonly revision: () => number;
  readonly logger: Logger;
}

/** Holds the MTUs of this node's pods against those of the routes, and tells of pods that send what does not get through. */
export class Mtus {
  readonly #parts: MtusParts;
  readonly #pods: PodInterfaces;
  readonly context: MtuContext;
  #isDue = true;
  #seen = "";
  #told = "";

  constructor(parts: MtusParts) {
    this.#parts = parts;
    const { podCidrs, picture, paths } = parts;
    this.#pods = new PodInterfaces({ podCidrs });
    this.context = mtuContext(paths, picture);
  }

  /** The kernel has this route of ours, maybe of an earlier life: what it says of the path is taken over. */
  sawOurs({ mtu, hops }: KernelRoute): void {
    if (mtu === undefined) return;
    const { paths, picture, tunnels } = this.#parts;
    for (const { gateway, ifindex } of hops) {
      const overhead = tunnels.overheadOf(picture.deviceName(ifindex));
      if (gateway !== undefined) paths.adopt(gateway, mtu + overhead);
    }
  }

  /** A route of another protocol, in the table where ours are. Returns whether it tells of pods that were not known. */
  sawForeign(route: KernelRoute): boolean {
    const before = this.#pods.revision;
    this.#pods.saw(route);
    return this.#pods.revision !== before;
  }

  lostForeign(prefix: Prefix): void {
    this.#pods.lost(prefix);
  }

  /** Links behind which this node's pods are. */
  get podInterfaces(): ReadonlySet<number> {
    return this.#pods.ifindexes;
  }

  /** A listing of routes begins, of all protocols where it says so. */
  beginScan(everyProtocol: boolean): void {
    if (everyProtocol) this.#pods.beginScan();
  }

  endScan(): void {
    this.#pods.endScan();
    this.#parts.paths.adopted();
  }

  /** Links or next hops have changed. */
  markDue(): void {
    this.#isDue = true;
  }

  /** Tells the log of what is new about pods whose packets are too large. */
  look(): void {
    const revisions = `${this.#parts.revision()} ${this.#pods.revision}`;
    if (!this.#isDue && revisions === this.#seen) return;
    this.#isDue = false;
    this.#seen = revisions;
    const { smallest, podInterfaces } = this.status();
    const names = podInterfaces.map(({ device, mtu }) => `${device} ${mtu}`);
    const told = `${smallest?.octets}: ${names.join(", ")}`;
    if (podInterfaces.length === 0 || told === this.#told) {
      if (podInterfaces.length === 0) this.#told = "";
      return;
    }
    this.#told = told;
    this.#parts.logger.warn(
      { interfaces: names, routeMtu: smallest?.octets },
      `pods send larger packets than every route takes: ${smallest?.text}`,
    );
  }

  status(): MtuStatus {
    const { paths, picture, tunnels } = this.#parts;
    const smallest = this.#smallest();
    const podInterfaces = [...this.#pods.ifindexes].flatMap((ifindex) => {
      const link = picture.link(ifindex);
      if (link?.up !== true || tunnels.ofLink(ifindex) !== undefined) return [];
      if (link.loopback || smallest === undefined || link.mtu <= smallest.octets) return [];
      return [{ device: link.name, mtu: link.mtu }];
    });
    return {
      paths: paths.limited(),
      smallest: smallest && {
        octets: smallest.octets,
        text: routeMtuText(smallest, this.context, (ifindex) => picture.deviceName(ifindex)),
      },
      podInterfaces: podInterfaces.sort((a, b) => (a.device < b.device ? -1 : 1)),
    };
  }

  #smallest(): RouteMtu | undefined {
    let smallest: RouteMtu | undefined;
    for (const { ways, payload, path } of this.#parts.groups()) {
      if (path === undefined) continue;
      const mtu = routeMtu(ways, payload, this.context);
      if (mtu !== undefined && mtu.octets < (smallest?.octets ?? Infinity)) smallest = mtu;
    }
    return smallest;
  }
}
