import { Afi, HeaderSubcode, Safi } from "../bgp/iana.ts";
import { formatIpAddress } from "../net/ip-address.ts";
import type { Reader } from "../wire/reader.ts";
import { assumedContext } from "./assumed-context.ts";
import type { Emit } from "./captured.ts";
import type { MrtRecord } from "./mrt-record.ts";
import { type TableEntry, updateOfEntry } from "./mrt-table-entry.ts";

/** RFC 6396 §4.3, RFC 8050 §4 */
const Subtype = { peerIndexTable: 1, ribGeneric: 6, ribGenericAddPath: 12 } as const;

/** The family of the subtypes that are one family's. */
const ribSubtypes: ReadonlyMap<number, { afi: number; safi: number; addPath: boolean }> = new Map([
  [2, { afi: Afi.ipv4, safi: Safi.unicast, addPath: false }],
  [3, { afi: Afi.ipv4, safi: Safi.multicast, addPath: false }],
  [4, { afi: Afi.ipv6, safi: Safi.unicast, addPath: false }],
  [5, { afi: Afi.ipv6, safi: Safi.multicast, addPath: false }],
  [8, { afi: Afi.ipv4, safi: Safi.unicast, addPath: true }],
  [9, { afi: Afi.ipv4, safi: Safi.multicast, addPath: true }],
  [10, { afi: Afi.ipv6, safi: Safi.unicast, addPath: true }],
  [11, { afi: Afi.ipv6, safi: Safi.multicast, addPath: true }],
]);

/** TABLE_DUMP_V2, RFC 6396 §4.3: every path of a prefix as the UPDATE that announced it. */
export class MrtTable {
  readonly #emit: Emit;
  /** Addresses, by the index that entries name. */
  #peers: string[] = [];

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** @throws ShortReadError */
  take(record: MrtRecord): void {
    const { reader, subtype } = record;
    const row = ribSubtypes.get(subtype);
    if (subtype === Subtype.peerIndexTable) this.#peers = readPeers(reader);
    else if (row !== undefined) {
      reader.uint32(); // sequence number
      this.#readEntries(record, { ...row, prefix: readPrefix(reader) });
    } else if (subtype === Subtype.ribGeneric || subtype === Subtype.ribGenericAddPath) {
      reader.uint32();
      const afi = reader.uint16();
      const safi = reader.uint8();
      const addPath = subtype === Subtype.ribGenericAddPath;
      this.#readEntries(record, { afi, safi, addPath, prefix: readPrefix(reader) });
    }
  }

  #readEntries(
    { place, reader, time: dumped }: MrtRecord,
    { addPath, ...route }: Pick<TableEntry, "afi" | "safi" | "prefix"> & { addPath: boolean },
  ): void {
    const context = assumedContext({ fourOctetAs: true, addPath });
    for (let left = reader.uint16(); left > 0; left--) {
      const from = this.#peers[reader.uint16()];
      const seconds = reader.uint32();
      const pathId = addPath ? reader.uint32() : undefined;
      const attributes = reader.bytes(reader.uint16());
      const octets = updateOfEntry({ ...route, pathId, attributes });
      if (octets === undefined) {
        const problem = "an entry's attributes do not fit a message";
        this.#emit({ place, problem, subcode: HeaderSubcode.badMessageLength });
        continue;
      }
      const time = seconds === 0 ? dumped : { seconds, nanoseconds: 0 };
      const named = from === undefined ? {} : { from };
      this.#emit({ place, octets, context, isTableEntry: true, time, ...named });
    }
  }
}

function readPeers(reader: Reader): string[] {
  reader.uint32(); // the collector's identifier
  reader.bytes(reader.uint16()); // the view's name
  const peers: string[] = [];
  for (let left = reader.uint16(); left > 0; left--) {
    const type = reader.uint8();
    reader.uint32(); // the peer's identifier
    peers.push(formatIpAddress(reader.bytes((type & 1) === 0 ? 4 : 16)));
    reader.bytes((type & 2) === 0 ? 2 : 4); // its AS number
  }
  return peers;
}

/** A prefix with its length, as NLRI have it. */
function readPrefix(reader: Reader): Uint8Array {
  const start = reader.offset;
  reader.bytes((reader.uint8() + 7) >>> 3);
  return reader.octets.subarray(start, reader.offset);
}
