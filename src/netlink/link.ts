import { Parser } from "binary-parser";
import { AttributeWriter, attributeText, attributeUint32, walkAttributes } from "./attribute.ts";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { AddressFamily, LinkAttribute, LinkFlag, VxlanAttribute } from "./constants.ts";
import { formatMac, parseMac } from "./neighbour.ts";

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
  /** `4e:77:c0:a8:01:02`; `undefined` for a device without. */
  readonly mac?: string | undefined;
  /** Of a VXLAN device. */
  readonly vxlan?: VxlanSettings | undefined;
}

/** What makes a VXLAN device what it is; none of it can be changed later. */
export interface VxlanSettings {
  /** The network's number, 0 to 2^24-1. */
  readonly id: number;
  /** UDP port. */
  readonly port: number;
  /** Canonical address that its packets come from. */
  readonly local: string | undefined;
  /** Whether it learns from packets who is where. */
  readonly learning: boolean;
}

/** An interface to be made. */
export interface NewLink {
  readonly name: string;
  /** `ipip`, `vxlan`, …; whatever is not said has the kind's default. */
  readonly kind: string;
  readonly mac?: string | undefined;
  readonly vxlan?: VxlanSettings | undefined;
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
  let mac: string | undefined;
  let info: LinkInfo = {};
  walkAttributes(payload.subarray(LINK_HEADER_OCTETS), (type, value) => {
    if (type === LinkAttribute.name) name = attributeText(value);
    else if (type === LinkAttribute.mtu) mtu = attributeUint32(value);
    else if (type === LinkAttribute.address && value.length === 6) mac = formatMac(value);
    else if (type === LinkAttribute.info) info = decodeInfo(value);
  });
  return {
    ifindex,
    name,
    mtu,
    up: (flags & LinkFlag.up) !== 0,
    running: (flags & LinkFlag.up) !== 0 && (flags & LinkFlag.lowerUp) !== 0,
    loopback: (flags & LinkFlag.loopback) !== 0,
    kind: info.kind,
    mac,
    vxlan: info.vxlan,
  };
}

interface LinkInfo {
  readonly kind?: string | undefined;
  readonly vxlan?: VxlanSettings | undefined;
}

function decodeInfo(value: Uint8Array): LinkInfo {
  let kind: string | undefined;
  let data: Uint8Array | undefined;
  walkAttributes(value, (type, inner) => {
    if (type === LinkAttribute.infoKind) kind = attributeText(inner);
    else if (type === LinkAttribute.infoData) data = inner;
  });
  const vxlan = kind === "vxlan" && data !== undefined ? decodeVxlan(data) : undefined;
  return { kind, vxlan };
}

function decodeVxlan(data: Uint8Array): VxlanSettings {
  let [id, port, learning] = [0, 0, false];
  let local: string | undefined;
  walkAttributes(data, (type, value) => {
    if (type === VxlanAttribute.id) id = attributeUint32(value);
    else if (type === VxlanAttribute.port) {
      port = ((value[0] as number) << 8) | (value[1] as number);
    } else if (type === VxlanAttribute.learning) learning = value[0] !== 0;
    else if (type === VxlanAttribute.local || type === VxlanAttribute.local6) {
      local = formatIpAddress(value);
    }
  });
  return { id, port, local, learning };
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

/** Body of an RTM_NEWLINK that makes an interface. */
export function encodeNewLink({ name, kind, mac, vxlan }: NewLink): Uint8Array {
  const writer = new AttributeWriter(linkHeaderOctets(0)).text(LinkAttribute.name, name);
  if (mac !== undefined) writer.bytes(LinkAttribute.address, parseMac(mac));
  writer.nested(LinkAttribute.info, (info) => {
    info.text(LinkAttribute.infoKind, kind);
    if (vxlan === undefined) return;
    info.nested(LinkAttribute.infoData, (data) => writeVxlan(data, vxlan));
  });
  return writer.finish();
}

function writeVxlan(data: AttributeWriter, { id, port, local, learning }: VxlanSettings): void {
  data.uint32(VxlanAttribute.id, id);
  data.bytes(VxlanAttribute.port, Uint8Array.of(port >>> 8, port & 255));
  data.bytes(VxlanAttribute.learning, Uint8Array.of(Number(learning)));
  const octets = local === undefined ? undefined : parseIpAddress(local);
  if (octets === undefined) return;
  data.bytes(octets.length === 4 ? VxlanAttribute.local : VxlanAttribute.local6, octets);
}

/** Body of an RTM_DELLINK. */
export function encodeLinkDeletion(ifindex: number): Uint8Array {
  return linkHeaderOctets(ifindex);
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
