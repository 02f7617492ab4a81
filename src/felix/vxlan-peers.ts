import { ipVersionOf } from "../net/ip-address.ts";
import type { Neighbour } from "../netlink/neighbour.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { tunnelMac } from "./tunnel-kind.ts";

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
  async ensure(ifindex: number, addresses: readonly string[]): Promise<number> {
    const wanted = new Map<string, Neighbour>();
    for (const entry of addresses.flatMap((address) => entriesFor(ifindex, address))) {
      wanted.set(keyOf(entry), entry);
    }
    let changes = 0;
    const pause = async (): Promise<void> => {
      if (++changes % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
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
      const isReplaced = entry.table !== "bridge" && addresses.includes(entry.address);
      if (!isReplaced && !isMulticast(entry.address)) this.#netlink.removeNeighbour(entry);
      await pause();
    }
    return changes;
  }
}

function entriesFor(ifindex: number, address: string): Neighbour[] {
  const mac = tunnelMac(address);
  const table = ipVersionOf(address) === 6 ? "ipv6" : "ipv4";
  const common = { ifindex, address, mac, permanent: true, failed: false };
  return [
    { ...common, table },
    { ...common, table: "bridge" },
  ];
}

function keyOf({ table, address, mac, permanent }: Neighbour): string {
  return `${table} ${address} ${mac} ${permanent}`;
}

/** Entries that the kernel keeps for itself. */
function isMulticast(address: string): boolean {
  return /^(ff|2[23]\d\.)/.test(address);
}
