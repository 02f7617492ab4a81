import type { Fib } from "../fib/fib.ts";
import type { NextHopObjects, ObjectChange, ObjectContent } from "../fib/next-hop-objects.ts";
import type { FibPath, PathHop } from "../fib/path.ts";
import { isOurs } from "../fib/ownership.ts";
import type { Culprit } from "../fib/trouble.ts";
import type { Netlink, NetlinkEvent } from "../netlink/netlink.ts";
import type { NextHopObject } from "../netlink/next-hop.ts";
import type { Logger } from "../platform/logger.ts";
import { culpritText } from "./culprit.ts";
import { pathText } from "./format.ts";
import { ObjectUsers } from "./object-users.ts";
import type { RouteOwner } from "./owner.ts";
import { problemOf } from "./problem.ts";

/** `auto`: wherever the kernel has them (Linux 5.3 and later). */
export type NextHopObjectsChoice = "auto" | "never";

export interface ObjectKeeperParts {
  readonly objects: NextHopObjects;
  readonly choice: NextHopObjectsChoice;
  readonly netlink: Netlink;
  readonly fib: Fib<RouteOwner>;
  readonly protocol: number;
  readonly deviceName: (ifindex: number) => string;
  readonly logger: Logger;
}

/** Keeps the kernel's next-hop objects as the routes need them: before any route, and away after the last. */
export class ObjectKeeper {
  readonly #parts: ObjectKeeperParts;
  /** `undefined` until the kernel was asked. */
  #isSupported: boolean | undefined;
  readonly #culprits = new Map<number, Culprit>();
  /** What others had a use for when something of ours was last to go, since the last listing. */
  #needed: ReadonlySet<number> = new Set();
  /** What others deleted or changed, and that was put back. */
  repairs = 0;

  constructor(parts: ObjectKeeperParts) {
    this.#parts = parts;
  }

  /** Reads what is there, with `never` too: an earlier life may have had them. Rejects with `NetlinkError`. */
  async load(): Promise<void> {
    if (this.#isSupported !== false) await this.#parts.netlink.hold(() => this.#load());
  }

  async #load(): Promise<void> {
    const { objects, netlink, choice, logger } = this.#parts;
    this.#needed = new Set();
    const found = await netlink.dumpNextHops();
    if (this.#isSupported === undefined) {
      this.#isSupported = found !== undefined;
      objects.enabled = this.#isSupported && choice === "auto";
      if (choice === "auto" && !this.#isSupported) {
        logger.info({}, "this kernel has no next-hop objects: routes name their next hops");
      }
    }
    objects.beginScan();
    for (const object of found ?? []) this.#saw(object);
    objects.endScan();
  }

  /** Takes in what someone did to an object; routes that went with it are known to be gone. Returns whether it was ours. */
  onEvent({ op, object, portId }: NetlinkEvent & { readonly kind: "next-hop" }): boolean {
    const { objects, fib } = this.#parts;
    const culprit = { protocol: object.protocol, portId };
    if (op === "new") {
      const isDamage = this.#saw(object);
      if (isDamage) this.#culprits.set(object.id, culprit);
      return isDamage;
    }
    if (!objects.lost(object.id)) return false;
    this.#culprits.set(object.id, culprit);
    // The kernel tells nobody of the routes that it drops with an object.
    for (const row of fib.rows()) {
      if (row.kernel?.nextHopId === object.id) fib.lostOurs(row.prefix, row.metric, culprit);
    }
    return true;
  }

  /** Where a path leads, itself or by its object. */
  hopsOf({ nextHopId, hops }: FibPath): readonly PathHop[] {
    return nextHopId === undefined ? hops : this.#parts.objects.hops(nextHopId);
  }

  /** Is there something to be written? */
  get isDue(): boolean {
    return this.#parts.objects.isDirty;
  }

  /** Writes what is due. Resolves to whether some routes must name other ids now, or none. */
  async flush(): Promise<boolean> {
    const { objects } = this.#parts;
    let hasRefusals = false;
    for (let changes = objects.changes(); changes.length > 0; changes = objects.changes()) {
      for (const change of changes) if (!(await this.#write(change))) hasRefusals = true;
      // What was refused has another id, or is done without, by the rows that are wired anew.
      if (hasRefusals) break;
    }
    return hasRefusals;
  }

  /** Removes objects of ours that nobody wants and nothing leads through. Rejects with `NetlinkError`. */
  async sweep(): Promise<void> {
    const { objects, netlink, logger } = this.#parts;
    if (this.#leftovers().length === 0) return;
    this.#needed = await this.#neededByOthers();
    for (const id of this.#leftovers()) {
      try {
        netlink.removeNextHop(id);
        objects.removed(id);
      } catch (error) {
        logger.error({ nextHop: id }, problemOf(error).text);
      }
    }
  }

  #leftovers(): number[] {
    const { objects, fib } = this.#parts;
    if (!objects.hasLeftovers) return [];
    const used = new Set(this.#needed);
    for (const { nextHopId } of fib.heldPaths()) {
      if (nextHopId !== undefined) used.add(nextHopId);
    }
    return objects.leftovers(used);
  }

  async #neededByOthers(): Promise<ReadonlySet<number>> {
    const { netlink, protocol } = this.#parts;
    const users = new ObjectUsers(protocol);
    // What differs by its address alone has the same owner and leads through the same object: one of them will do.
    const alike = (): void => {};
    for (const version of [4, 6] as const) {
      await netlink.dumpRoutes({ version }, (route) => users.saw(route), alike);
    }
    return users.objects((await netlink.dumpNextHops()) ?? []);
  }

  #saw({ id, protocol, hop, members }: NextHopObject): boolean {
    const content: ObjectContent = hop === undefined ? { members } : { hop: { ...hop, weight: 1 } };
    return this.#parts.objects.saw(id, isOurs(protocol, this.#parts.protocol), content);
  }

  async #write(change: ObjectChange): Promise<boolean> {
    const { objects, netlink, protocol, logger } = this.#parts;
    const { id, content, replace, isRepair } = change;
    const { gateway, ifindex = 0, onlink = false } = "hop" in content ? content.hop : {};
    const hop = gateway === undefined ? undefined : { gateway, ifindex, onlink };
    const members = "members" in content ? content.members : [];
    try {
      const object = { id, protocol, hop, members };
      if (replace) await netlink.replaceNextHop(object);
      else netlink.makeNextHop(object);
    } catch (error) {
      const { errno = 0, text } = problemOf(error);
      logger.debug({ nextHop: id, way: this.#way(id) }, text);
      objects.refused(change, errno);
      return false;
    }
    objects.written(change);
    if (isRepair) this.#repaired(id);
    return true;
  }

  #repaired(id: number): void {
    const { logger, protocol } = this.#parts;
    this.repairs++;
    const culprit = this.#culprits.get(id);
    this.#culprits.delete(id);
    const by = culprit === undefined ? "" : `: ${culpritText(culprit, protocol)}`;
    const fields = { nextHop: id, way: this.#way(id) };
    logger.warn(fields, `put back a next hop that someone deleted or changed${by}`);
  }

  #way(id: number): string {
    const { objects, deviceName } = this.#parts;
    return pathText({ type: "unicast", hops: objects.hops(id) }, deviceName);
  }
}
