import { setImmediate as nextTurn } from "node:timers/promises";
import { ipVersionOf } from "../net/ip-address.ts";
import type { Neighbour } from "../netlink/neighbour.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { HeldGateways } from "./held-gateways.ts";
import { linkLocalOf, tunnelLinkLocal, tunnelMac } from "./tunnel-kind.ts";

/** Entries are written in slices of this many, some hundred microseconds. */
const SLICE = 64;

/**
 * Keeps a VXLAN device's peers: for each node an entry that gives its address its MAC, and one that tells behind which
 * address that MAC lies, so that no frame is ever flooded and nobody asks by ARP. Those of a node that is needed no more
 * outlast the routes to it: only `sweep` takes them away.
 */
export class VxlanPeers {
  readonly #netlink: Netlink;
  /** Entries of nodes that were not needed when it was last looked. */
  #former: readonly Neighbour[] = [];

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** May there be something to sweep? */
  get hasFormer(): boolean {
    return this.#former.length > 0;
  }

  /**
   * Makes the entries that are missing, and takes away those that are no node's. Resolves to how many there were of both.
   * Rejects with `NetlinkError`.
   */
  async ensure(ifindex: number, { peers, linkLocal }: VxlanNeed): Promise<number> {
    const wanted = new Map<string, Neighbour>();
    const replacing = new Set<string>();
    for (const entry of peers.flatMap((address) => entriesFor(ifindex, address, linkLocal))) {
      wanted.set(keyOf(entry), entry);
      replacing.add(placeOf(entry));
    }
    const others: Neighbour[] = [];
    for (const table of ["ipv4", "ipv6", "bridge"] as const) {
      for (const entry of await this.#netlink.dumpNeighbours(table, ifindex)) {
        if (wanted.delete(keyOf(entry)) || !entry.permanent) continue;
        if (!replacing.has(placeOf(entry)) && !isMulticast(entry.address)) others.push(entry);
      }
    }
    this.#former = others.filter(isOfNode);
    const strange = others.filter((entry) => !isOfNode(entry));
    // What is new first: a node that has only changed its MAC is never without an entry.
    await inSlices([...wanted.values()], (entry) => this.#netlink.setNeighbour(entry));
    await inSlices(strange, (entry) => this.#netlink.removeNeighbour(entry));
    return wanted.size + strange.length;
  }

  /**
   * Takes away the entries of nodes that are needed no more, nor by a route that the kernel holds. Resolves to how many went.
   * Rejects with `NetlinkError`.
   */
  async sweep(held: HeldGateways): Promise<number> {
    const isNeeded = (entry: Neighbour): boolean => isOnTheWay(entry, held);
    const gone = this.#former.filter((entry) => !isNeeded(entry));
    await inSlices(gone, (entry) => this.#netlink.removeNeighbour(entry));
    this.#former = this.#former.filter(isNeeded);
    return gone.length;
  }

  /** The device is gone, and all entries with it. */
  forget(): void {
    this.#former = [];
  }
}

/** What is needed of the other ends. */
export interface VxlanNeed {
  /** Their addresses. */
  readonly peers: readonly string[];
  /** Some routes lead to link-local addresses of theirs. */
  readonly linkLocal: boolean;
}

function entriesFor(ifindex: number, address: string, linkLocal: boolean): Neighbour[] {
  const common = { ifindex, mac: tunnelMac(address), permanent: true, failed: false };
  const entries: Neighbour[] = [{ ...common, address, table: "bridge" }];
  if (ipVersionOf(address) === 4) entries.push({ ...common, address, table: "ipv4" });
  if (linkLocal) entries.push({ ...common, address: tunnelLinkLocal(address), table: "ipv6" });
  return entries;
}

async function inSlices<T>(all: readonly T[], work: (one: T) => void): Promise<void> {
  for (const [index, one] of all.entries()) {
    if (index % SLICE === SLICE - 1) await nextTurn();
    work(one);
  }
}

/** Is it as we make them for some node? */
function isOfNode({ table, address, mac }: Neighbour): boolean {
  if (mac === undefined) return false;
  return table === "ipv6" ? linkLocalOf(mac) === address : tunnelMac(address) === mac;
}

/** Do packets to one of these gateways need it? */
function isOnTheWay({ table, ifindex, address }: Neighbour, held: HeldGateways): boolean {
  const gateways = held.get(ifindex);
  if (gateways?.has(address) === true) return true;
  return table === "bridge" && gateways?.has(tunnelLinkLocal(address)) === true;
}

/** Two entries of one place cannot be at once: setting one replaces the other. (A MAC address may be behind several.) */
function placeOf({ table, address, mac }: Neighbour): string {
  return `${table} ${address} ${table === "bridge" ? mac : ""}`;
}

function keyOf({ table, address, mac, permanent }: Neighbour): string {
  return `${table} ${address} ${mac} ${permanent}`;
}

/** Entries that the kernel keeps for itself. */
function isMulticast(address: string): boolean {
  return /^(ff|2[23]\d\.)/.test(address);
}
