import { Parser } from "binary-parser";
import { AttributeWriter, attributeText, attributeUint32, walkAttributes } from "./attribute.ts";
import { AddressFamily, LinkAttribute, LinkFlag } from "./constants.ts";

/** Octets of `struct ifinfomsg`. */
const LINK_HEADER_OCTETS = 16;

/** A network interface. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  /** Octets. */
  readonly mtu: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Up and with a carrier (IFF_LOWER_UP). */
  readonly running: boolean;
  readonly loopback: boolean;
  /** `veth`, `ipip`, …; `undefined` for a device without a link kind, such as a network card. */
  readonly kind: string | undefined;
}

interface LinkHeader {
  readonly ifindex: number;
  readonly flags: number;
}

const linkHeader = new Parser()
  .endianness("little")
  .uint8("family")
  .uint8("padding")
  .uint16("hardwareType")
  .uint32("ifindex")
  .uint32("flags")
  .uint32("change");

/** Reads the payload of an RTM_NEWLINK or RTM_DELLINK; `undefined` when it is cut short. */
export function decodeLink(payload: Uint8Array): Link | undefined {
  if (payload.length < LINK_HEADER_OCTETS) return undefined;
  const { ifindex, flags } = linkHeader.parse(payload) as LinkHeader;
  let name = "";
  let mtu = 0;
  let kind: string | undefined;
  walkAttributes(payload.subarray(LINK_HEADER_OCTETS), (type, value) => {
    if (type === LinkAttribute.name) name = attributeText(value);
    else if (type === LinkAttribute.mtu) mtu = attributeUint32(value);
    else if (type === LinkAttribute.info) kind = decodeKind(value);
  });
  return {
    ifindex,
    name,
    mtu,
    up: (flags & LinkFlag.up) !== 0,
    running: (flags & LinkFlag.up) !== 0 && (flags & LinkFlag.lowerUp) !== 0,
    loopback: (flags & LinkFlag.loopback) !== 0,
    kind,
  };
}

function decodeKind(value: Uint8Array): string | undefined {
  let kind: string | undefined;
  walkAttributes(value, (type, inner) => {
    if (type === LinkAttribute.infoKind) kind = attributeText(inner);
  });
  return kind;
}

/** What `changeLink` may alter. */
export interface LinkChange {
  readonly up?: boolean;
  /** Octets. */
  readonly mtu?: number;
}

/** Body of an RTM_NEWLINK that alters an interface; the flags that it does not name stay as they are. */
export function encodeLinkChange(ifindex: number, change: LinkChange): Uint8Array {
  const fixed = linkHeaderOctets(ifindex);
  const view = new DataView(fixed.buffer);
  if (change.up !== undefined) {
    view.setUint32(8, change.up ? LinkFlag.up : 0, true);
    view.setUint32(12, LinkFlag.up, true);
  }
  const writer = new AttributeWriter(fixed);
  if (change.mtu !== undefined) writer.uint32(LinkAttribute.mtu, change.mtu);
  return writer.finish();
}

/** Body of an RTM_NEWLINK that makes an interface of a kind, with that kind's defaults. */
export function encodeNewLink(name: string, kind: string): Uint8Array {
  return new AttributeWriter(linkHeaderOctets(0))
    .text(LinkAttribute.name, name)
    .nested(LinkAttribute.info, (info) => info.text(LinkAttribute.infoKind, kind))
    .finish();
}

/** Body of a request that lists all links. */
export function encodeLinkDump(): Uint8Array {
  return linkHeaderOctets(0);
}

function linkHeaderOctets(ifindex: number): Uint8Array<ArrayBuffer> {
  const fixed = new Uint8Array(LINK_HEADER_OCTETS);
  fixed[0] = AddressFamily.unspecified;
  new DataView(fixed.buffer).setInt32(4, ifindex, true);
  return fixed;
}
