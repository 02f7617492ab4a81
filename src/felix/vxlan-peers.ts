import { setImmediate as nextTurn } from "node:timers/promises";
import { ipVersionOf } from "../net/ip-address.ts";
import type { Neighbour } from "../netlink/neighbour.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { tunnelLinkLocal, tunnelMac } from "./tunnel-kind.ts";

/** Entries are written in slices of this many, some hundred microseconds. */
const SLICE = 64;

/**
 * Keeps a VXLAN device's peers: for each node an entry that gives its address its MAC, and one that tells behind which
 * address that MAC lies, so that no frame is ever flooded and nobody asks by ARP.
 */
export class VxlanPeers {
  readonly #netlink: Netlink;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** Resolves to how many entries had to be made or taken away. Rejects with `NetlinkError`. */
  async ensure(ifindex: number, { peers, linkLocal }: VxlanNeed): Promise<number> {
    const wanted = new Map<string, Neighbour>();
    const replacing = new Set<string>();
    for (const entry of peers.flatMap((address) => entriesFor(ifindex, address, linkLocal))) {
      wanted.set(keyOf(entry), entry);
      replacing.add(placeOf(entry));
    }
    let changes = 0;
    const pause = async (): Promise<void> => {
      if (++changes % SLICE === 0) await nextTurn();
    };
    const stale: Neighbour[] = [];
    for (const table of ["ipv4", "ipv6", "bridge"] as const) {
      for (const entry of await this.#netlink.dumpNeighbours(table, ifindex)) {
        if (wanted.delete(keyOf(entry)) || !entry.permanent) continue;
        stale.push(entry);
      }
    }
    // What is new first: a node that has only changed its MAC is never without an entry.
    for (const entry of wanted.values()) {
      this.#netlink.setNeighbour(entry);
      await pause();
    }
    for (const entry of stale) {
      if (!replacing.has(placeOf(entry)) && !isMulticast(entry.address))
        this.#netlink.removeNeighbour(entry);
      await pause();
    }
    return changes;
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
