import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { AttributeWriter, walkAttributes } from "./attribute.ts";
import { AddressFamily, NeighbourAttribute, NeighbourFlag, NeighbourState } from "./constants.ts";

/** Octets of `struct ndmsg`: family u8, padding, ifindex s32, state u16, flags u8, type u8. */
const NEIGHBOUR_HEADER_OCTETS = 12;

/**
 * - ipv4, ipv6: which MAC address an IP address on a link has
 * - bridge: behind which remote address a MAC address lies, in a VXLAN device's forwarding database
 */
export type NeighbourTable = "ipv4" | "ipv6" | "bridge";

/** An entry of a neighbour table. */
export interface Neighbour {
  readonly table: NeighbourTable;
  readonly ifindex: number;
  /** Canonical: the neighbour itself, or of `bridge` the remote tunnel end. */
  readonly address: string;
  /** `4e:77:c0:a8:02:02`; `undefined` while it is not known. */
  readonly mac: string | undefined;
  /** Set by hand, to stay. */
  readonly permanent: boolean;
  /** The kernel has asked for it in vain. */
  readonly failed: boolean;
  /** It has answered of late, or needs not. */
  readonly reachable?: boolean;
}

const familyOf = {
  ipv4: AddressFamily.ipv4,
  ipv6: AddressFamily.ipv6,
  bridge: AddressFamily.bridge,
} as const;

/** Reads the payload of an RTM_NEWNEIGH or RTM_DELNEIGH; `undefined` when it is cut short or of another kind. */
export function decodeNeighbour(payload: Uint8Array): Neighbour | undefined {
  if (payload.length < NEIGHBOUR_HEADER_OCTETS) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const table = (["ipv4", "ipv6", "bridge"] as const).find((one) => familyOf[one] === payload[0]);
  if (table === undefined) return undefined;
  let address: string | undefined;
  let mac: string | undefined;
  walkAttributes(payload.subarray(NEIGHBOUR_HEADER_OCTETS), (type, value) => {
    if (type === NeighbourAttribute.destination && (value.length === 4 || value.length === 16)) {
      address = formatIpAddress(value);
    } else if (type === NeighbourAttribute.linkAddress) mac = formatMac(value);
  });
  if (address === undefined) return undefined;
  const state = view.getUint16(8, true);
  const { reachable, noArp, permanent } = NeighbourState;
  return {
    table,
    ifindex: view.getInt32(4, true),
    address,
    mac,
    permanent: (state & NeighbourState.permanent) !== 0,
    failed: (state & NeighbourState.failed) !== 0,
    reachable: (state & (reachable | noArp | permanent)) !== 0,
  };
}

/** Body of a request that makes or takes away a permanent entry. */
export function encodeNeighbour(entry: Neighbour): Uint8Array {
  const octets = parseIpAddress(entry.address);
  if (octets === undefined) throw new TypeError(`not an IP address: ${entry.address}`);
  const fixed = header(entry.table, entry.ifindex);
  const view = new DataView(fixed.buffer);
  view.setUint16(8, NeighbourState.permanent, true);
  view.setUint8(10, entry.table === "bridge" ? NeighbourFlag.self : 0);
  const writer = new AttributeWriter(fixed).bytes(NeighbourAttribute.destination, octets);
  if (entry.mac !== undefined) writer.bytes(NeighbourAttribute.linkAddress, parseMac(entry.mac));
  return writer.finish();
}

/**
 * Body of a request that has the kernel ask for a neighbour: at once where it knows a MAC address of it (NUD_PROBE), and
 * as for a packet where it knows none (NTF_USE).
 */
export function encodeNeighbourProbe(
  table: NeighbourTable,
  ifindex: number,
  address: string,
  isKnown: boolean,
): Uint8Array {
  const octets = parseIpAddress(address);
  if (octets === undefined) throw new TypeError(`not an IP address: ${address}`);
  const fixed = header(table, ifindex);
  const view = new DataView(fixed.buffer);
  if (isKnown) view.setUint16(8, NeighbourState.probe, true);
  else view.setUint8(10, NeighbourFlag.use);
  return new AttributeWriter(fixed).bytes(NeighbourAttribute.destination, octets).finish();
}

/** Body of a request that lists a link's entries (the bridge table's by NDA_IFINDEX, which all kernels know). */
export function encodeNeighbourDump(table: NeighbourTable, ifindex: number): Uint8Array {
  const writer = new AttributeWriter(header(table, 0));
  return writer.uint32(NeighbourAttribute.ifindex, ifindex).finish();
}

function header(table: NeighbourTable, ifindex: number): Uint8Array<ArrayBuffer> {
  const fixed = new Uint8Array(NEIGHBOUR_HEADER_OCTETS);
  fixed[0] = familyOf[table];
  new DataView(fixed.buffer).setInt32(4, ifindex, true);
  return fixed;
}

/** `4e:77:c0:a8:02:02` of six octets. */
export function formatMac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** Six octets of `4e:77:c0:a8:02:02`. */
export function parseMac(text: string): Uint8Array {
  return Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));
}
