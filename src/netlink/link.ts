import { Parser } from "binary-parser";
import { AttributeWriter, attributeText, attributeUint32, walkAttributes } from "./attribute.ts";
import { AddressFamily, LinkAttribute, LinkFlag } from "./constants.ts";
import { decodeIpTunnel, type IpTunnelSettings, writeIpTunnel } from "./ip-tunnel.ts";
import { formatMac, parseMac } from "./neighbour.ts";
import { decodeVxlan, type VxlanSettings, writeVxlan } from "./vxlan.ts";

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
  /** What somebody wrote on it (IFLA_IFALIAS). */
  readonly alias?: string | undefined;
  /** Of a VXLAN device. */
  readonly vxlan?: VxlanSettings | undefined;
  /** Of an IPIP or ip6tnl device. */
  readonly ipTunnel?: IpTunnelSettings | undefined;
}

/** An interface to be made. */
export interface NewLink {
  readonly name: string;
  /** `ipip`, `vxlan`, …; whatever is not said has the kind's default. */
  readonly kind: string;
  readonly mac?: string | undefined;
  readonly vxlan?: VxlanSettings | undefined;
  readonly ipTunnel?: IpTunnelSettings | undefined;
}

interface LinkHeader {
  readonly family: number;
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

/**
 * Reads the payload of an RTM_NEWLINK or RTM_DELLINK; `undefined` when it is cut short, or tells of a link only as the port
 * of a bridge (the port goes with RTM_DELLINK, too, and the link stays).
 */
export function decodeLink(payload: Uint8Array): Link | undefined {
  if (payload.length < LINK_HEADER_OCTETS) return undefined;
  const { family, ifindex, flags } = linkHeader.parse(payload) as LinkHeader;
  if (family === AddressFamily.bridge) return undefined;
  let name = "";
  let mtu = 0;
  let mac: string | undefined;
  let alias: string | undefined;
  let info = noInfo;
  walkAttributes(payload.subarray(LINK_HEADER_OCTETS), (type, value) => {
    if (type === LinkAttribute.name) name = attributeText(value);
    else if (type === LinkAttribute.mtu) mtu = attributeUint32(value);
    else if (type === LinkAttribute.address && value.length === 6) mac = formatMac(value);
    else if (type === LinkAttribute.alias) alias = attributeText(value);
    else if (type === LinkAttribute.info) info = decodeInfo(value);
  });
  return {
    ifindex,
    name,
    mtu,
    up: (flags & LinkFlag.up) !== 0,
    running: (flags & LinkFlag.up) !== 0 && (flags & LinkFlag.lowerUp) !== 0,
    loopback: (flags & LinkFlag.loopback) !== 0,
    mac,
    alias,
    ...info,
  };
}

type LinkInfo = Pick<Link, "kind" | "vxlan" | "ipTunnel">;
const noInfo: LinkInfo = { kind: undefined, vxlan: undefined, ipTunnel: undefined };

function decodeInfo(value: Uint8Array): LinkInfo {
  let kind: string | undefined;
  let data = new Uint8Array(0);
  walkAttributes(value, (type, inner) => {
    if (type === LinkAttribute.infoKind) kind = attributeText(inner);
    else if (type === LinkAttribute.infoData) data = new Uint8Array(inner);
  });
  if (kind === "vxlan") return { ...noInfo, kind, vxlan: decodeVxlan(data) };
  const isIpTunnel = kind === "ipip" || kind === "ip6tnl";
  return { ...noInfo, kind, ...(isIpTunnel && { ipTunnel: decodeIpTunnel(data) }) };
}

/** What `changeLink` may alter. */
export interface LinkChange {
  readonly up?: boolean;
  /** Octets. */
  readonly mtu?: number;
  readonly name?: string;
  readonly alias?: string;
  readonly mac?: string;
  /** The settings of a device of some kind, all of them. */
  readonly info?: Pick<NewLink, "kind" | "vxlan" | "ipTunnel">;
}

/** Body of an RTM_NEWLINK that alters an interface; the flags that it does not name stay as they are. */
export function encodeLinkChange(ifindex: number, change: LinkChange): Uint8Array {
  const fixed = linkHeaderOctets(ifindex);
  const view = new DataView(fixed.buffer);
  if (change.up !== undefined) {
    view.setUint32(8, change.up ? LinkFlag.up : 0, true);
    view.setUint32(12, LinkFlag.up, true);
  }
  const { mtu, name, alias, mac, info } = change;
  const writer = new AttributeWriter(fixed);
  if (mtu !== undefined) writer.uint32(LinkAttribute.mtu, mtu);
  if (name !== undefined) writer.text(LinkAttribute.name, name);
  if (alias !== undefined) writer.bytes(LinkAttribute.alias, new TextEncoder().encode(alias));
  if (mac !== undefined) writer.bytes(LinkAttribute.address, parseMac(mac));
  if (info !== undefined) writeInfo(writer, info, false);
  return writer.finish();
}

/** Body of an RTM_NEWLINK that makes an interface. */
export function encodeNewLink(link: NewLink): Uint8Array {
  const { name, mac } = link;
  const writer = new AttributeWriter(linkHeaderOctets(0)).text(LinkAttribute.name, name);
  if (mac !== undefined) writer.bytes(LinkAttribute.address, parseMac(mac));
  writeInfo(writer, link, true);
  return writer.finish();
}

function writeInfo(
  writer: AttributeWriter,
  { kind, vxlan, ipTunnel }: Pick<NewLink, "kind" | "vxlan" | "ipTunnel">,
  isNew: boolean,
): void {
  writer.nested(LinkAttribute.info, (info) => {
    info.text(LinkAttribute.infoKind, kind);
    if (vxlan === undefined && ipTunnel === undefined) return;
    info.nested(LinkAttribute.infoData, (data) => {
      if (vxlan !== undefined) writeVxlan(data, vxlan, isNew);
      if (ipTunnel !== undefined) writeIpTunnel(data, ipTunnel);
    });
  });
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
