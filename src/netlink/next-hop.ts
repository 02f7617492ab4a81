import { Parser } from "binary-parser";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { AttributeWriter, attributeUint32, walkAttributes } from "./attribute.ts";
import { AddressFamily, NextHopAttribute, RouteFlag } from "./constants.ts";

/** Octets of `struct nhmsg`. */
const NEXT_HOP_HEADER_OCTETS = 8;
/** Octets of `struct nexthop_grp`: id u32, weight-1 u8, three reserved. */
const MEMBER_OCTETS = 8;

/** One of those that a group spreads packets over. */
export interface NextHopMember {
  readonly id: number;
  /** 1..256. */
  readonly weight: number;
}

/** Where routes lead that name it (linux/nexthop.h): one way out, or a group of such. */
export interface NextHopObject {
  /** 1..2^32-1, one name space for all programs. */
  readonly id: number;
  /** rtm_protocol of who made it. */
  readonly protocol: number;
  /** `undefined` for a group, or for what margay never makes (a blackhole, a gatewayless one, an FDB entry). */
  readonly hop:
    | { readonly gateway: string; readonly ifindex: number; readonly onlink: boolean }
    | undefined;
  /** Empty unless it is a group. */
  readonly members: readonly NextHopMember[];
}

interface NextHopHeader {
  readonly protocol: number;
  readonly nextHopFlags: number;
}

const nextHopHeader = new Parser()
  .endianness("little")
  .uint8("family")
  .uint8("scope")
  .uint8("protocol")
  .uint8("reserved")
  .uint32("nextHopFlags");

/** Reads the payload of an RTM_NEWNEXTHOP or RTM_DELNEXTHOP; `undefined` when it is cut short or has no id. */
export function decodeNextHop(payload: Uint8Array): NextHopObject | undefined {
  if (payload.length < NEXT_HOP_HEADER_OCTETS) return undefined;
  const { protocol, nextHopFlags } = nextHopHeader.parse(payload) as NextHopHeader;
  let id = 0;
  let ifindex = 0;
  let gateway: string | undefined;
  let members: readonly NextHopMember[] = [];
  walkAttributes(payload.subarray(NEXT_HOP_HEADER_OCTETS), (type, value) => {
    if (type === NextHopAttribute.id) id = attributeUint32(value);
    else if (type === NextHopAttribute.outputInterface) ifindex = attributeUint32(value);
    else if (type === NextHopAttribute.group) members = decodeMembers(value);
    else if (type === NextHopAttribute.gateway && (value.length === 4 || value.length === 16)) {
      gateway = formatIpAddress(value);
    }
  });
  if (id === 0) return undefined;
  const onlink = (nextHopFlags & RouteFlag.onlink) !== 0;
  const hop = gateway === undefined ? undefined : { gateway, ifindex, onlink };
  return { id, protocol, hop, members };
}

function decodeMembers(octets: Uint8Array): NextHopMember[] {
  const members: NextHopMember[] = [];
  for (let offset = 0; offset + MEMBER_OCTETS <= octets.length; offset += MEMBER_OCTETS) {
    const id = attributeUint32(octets.subarray(offset));
    members.push({ id, weight: (octets[offset + 4] as number) + 1 });
  }
  return members;
}

/** Body of an RTM_NEWNEXTHOP. */
export function encodeNextHop({ id, protocol, hop, members }: NextHopObject): Uint8Array {
  const gateway = hop === undefined ? undefined : parseIpAddress(hop.gateway);
  const fixed = new Uint8Array(NEXT_HOP_HEADER_OCTETS);
  const { unspecified, ipv4, ipv6 } = AddressFamily;
  fixed[0] = gateway === undefined ? unspecified : gateway.length === 4 ? ipv4 : ipv6;
  fixed[2] = protocol;
  fixed[4] = hop?.onlink === true ? RouteFlag.onlink : 0;
  const writer = new AttributeWriter(fixed).uint32(NextHopAttribute.id, id);
  if (hop !== undefined && gateway !== undefined) {
    writer.bytes(NextHopAttribute.gateway, gateway);
    writer.uint32(NextHopAttribute.outputInterface, hop.ifindex);
  } else writer.bytes(NextHopAttribute.group, encodeMembers(members));
  return writer.finish();
}

function encodeMembers(members: readonly NextHopMember[]): Uint8Array {
  const octets = new Uint8Array(members.length * MEMBER_OCTETS);
  const view = new DataView(octets.buffer);
  for (const [index, { id, weight }] of members.entries()) {
    view.setUint32(index * MEMBER_OCTETS, id, true);
    view.setUint8(index * MEMBER_OCTETS + 4, weight - 1);
  }
  return octets;
}

/** Body of an RTM_DELNEXTHOP. */
export function encodeNextHopId(id: number): Uint8Array {
  return new AttributeWriter(new Uint8Array(NEXT_HOP_HEADER_OCTETS))
    .uint32(NextHopAttribute.id, id)
    .finish();
}

/** Body of a request that lists all next-hop objects. */
export function encodeNextHopDump(): Uint8Array {
  return new Uint8Array(NEXT_HOP_HEADER_OCTETS);
}
