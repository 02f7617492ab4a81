import { Parser } from "binary-parser";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { AttributeWriter, walkAttributes } from "./attribute.ts";
import { AddressAttribute, AddressFamily } from "./constants.ts";

/** Octets of `struct ifaddrmsg`. */
const ADDRESS_HEADER_OCTETS = 8;

/** An address that an interface has. */
export interface InterfaceAddress {
  readonly ifindex: number;
  /** Canonical text of the interface's own address (IFA_LOCAL). */
  readonly address: string;
  /** Canonical text of the address whose first `prefixLength` bits make the subnet: the peer's on a point-to-point link. */
  readonly subnetAddress: string;
  /** 0..32 or 0..128 bits. */
  readonly prefixLength: number;
  /** Who put it there (IFA_PROTO, Linux 5.18 and later); 0 when nobody said, `undefined` on an older kernel. */
  readonly protocol: number | undefined;
}

interface AddressHeader {
  readonly family: number;
  readonly prefixLength: number;
  readonly ifindex: number;
}

const addressHeader = new Parser()
  .endianness("little")
  .uint8("family")
  .uint8("prefixLength")
  .uint8("flags")
  .uint8("scope")
  .uint32("ifindex");

/** Reads the payload of an RTM_NEWADDR or RTM_DELADDR; `undefined` when it is cut short or of another family. */
export function decodeInterfaceAddress(payload: Uint8Array): InterfaceAddress | undefined {
  if (payload.length < ADDRESS_HEADER_OCTETS) return undefined;
  const { family, prefixLength, ifindex } = addressHeader.parse(payload) as AddressHeader;
  if (family !== AddressFamily.ipv4 && family !== AddressFamily.ipv6) return undefined;
  let own: string | undefined;
  let subnet: string | undefined;
  let protocol: number | undefined;
  walkAttributes(payload.subarray(ADDRESS_HEADER_OCTETS), (type, value) => {
    if (type === AddressAttribute.local) own = addressText(value);
    else if (type === AddressAttribute.address) subnet = addressText(value);
    else if (type === AddressAttribute.protocol) protocol = value[0];
  });
  const address = own ?? subnet;
  if (address === undefined) return undefined;
  return { ifindex, address, subnetAddress: subnet ?? address, prefixLength, protocol };
}

function addressText(value: Uint8Array): string | undefined {
  return value.length === 4 || value.length === 16 ? formatIpAddress(value) : undefined;
}

/** Body of an RTM_NEWADDR or RTM_DELADDR. `protocol` 0..255 names who puts it there. */
export function encodeInterfaceAddress(
  ifindex: number,
  address: string,
  prefixLength: number,
  protocol: number,
): Uint8Array {
  const octets = parseIpAddress(address);
  if (octets === undefined) throw new TypeError(`not an IP address: ${address}`);
  const fixed = new Uint8Array(ADDRESS_HEADER_OCTETS);
  fixed[0] = octets.length === 4 ? AddressFamily.ipv4 : AddressFamily.ipv6;
  fixed[1] = prefixLength;
  new DataView(fixed.buffer).setUint32(4, ifindex, true);
  const writer = new AttributeWriter(fixed)
    .bytes(AddressAttribute.local, octets)
    .bytes(AddressAttribute.address, octets);
  if (protocol !== 0) writer.bytes(AddressAttribute.protocol, Uint8Array.of(protocol));
  return writer.finish();
}

/** Body of a request that lists the addresses of every family. */
export function encodeAddressDump(): Uint8Array {
  return new Uint8Array(ADDRESS_HEADER_OCTETS);
}
