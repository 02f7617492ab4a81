import { formatIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../net/prefix.ts";
import { attributeUint32, walkAttributes } from "./attribute.ts";
import { AddressFamily, RouteAttribute, RouteFlag, RouteMetric } from "./constants.ts";

/** Octets of `struct rtmsg`: family, dst_len, src_len, tos, table, protocol, scope, type (u8 each), flags u32. */
export const ROUTE_HEADER_OCTETS = 12;

const typeNames = [
  "unspec",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
  "nat",
  "xresolve",
] as const;

/** rtm_type, named as iproute2 does. */
export type RouteType = (typeof typeNames)[number];

/** rtm_type of a name. */
export function routeTypeNumber(type: RouteType): number {
  return typeNames.indexOf(type);
}

/** One way out of a route. */
export interface RouteHop {
  /** Canonical address, or `undefined` when the destination is on the link. */
  readonly gateway: string | undefined;
  /** 0 when the route names no interface. */
  readonly ifindex: number;
  /** The kernel takes the gateway to be on the link, whatever its own table says. */
  readonly onlink: boolean;
  /** 1..256. */
  readonly weight: number;
}

/** Where a route leads. */
export interface RoutePath {
  readonly type: RouteType;
  /** Empty for types that go nowhere; more than one for multipath. */
  readonly hops: readonly RouteHop[];
  /** The next-hop object that it leads through; `hops` are then what the kernel says that object is, if it does. */
  readonly nextHopId?: number | undefined;
  /** Octets of the largest packet that shall go this way, where that is less than the interface's; not locked. */
  readonly mtu?: number | undefined;
}

/** A route as the kernel holds it. */
export interface KernelRoute extends RoutePath {
  readonly prefix: Prefix;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** 0 for none. */
  readonly metric: number;
  /** Preferred source address. */
  readonly source: string | undefined;
  /** What it has beside, that margay never sets: `tos 16`, `metrics` other than an MTU; `""` for a plain route. */
  readonly extras: string;
}

interface Draft {
  destination: Uint8Array | undefined;
  table: number;
  metric: number;
  ifindex: number;
  gateway: string | undefined;
  source: string | undefined;
  hops: RouteHop[] | undefined;
  nextHopId: number | undefined;
  mtu: number | undefined;
  extras: string;
}

/**
 * Reads the payload of an RTM_NEWROUTE or RTM_DELROUTE; `undefined` when it is cut short, no IP route, or a cloned one
 * that is not asked for.
 */
export function decodeRoute(payload: Uint8Array, withCloned = false): KernelRoute | undefined {
  if (payload.length < ROUTE_HEADER_OCTETS) return undefined;
  const family = payload[0];
  const size = family === AddressFamily.ipv4 ? 4 : family === AddressFamily.ipv6 ? 16 : undefined;
  const flags = attributeUint32(payload.subarray(8));
  if (size === undefined) return undefined;
  const draft = readAttributes(payload);
  const octets = draft.destination ?? new Uint8Array(size);
  const type = typeNames[payload[7] as number];
  if (octets.length !== size || type === undefined) return undefined;
  if (!withCloned && (flags & RouteFlag.cloned) !== 0) {
    return undefined;
  }
  const { gateway, ifindex, table, metric, source, nextHopId, mtu, extras } = draft;
  const onlink = (flags & RouteFlag.onlink) !== 0;
  const single = ifindex !== 0 || gateway !== undefined;
  return {
    prefix: prefixFromOctets(octets, payload[1] as number),
    type,
    hops: leadsNowhere(type)
      ? []
      : (draft.hops ?? (single ? [{ gateway, ifindex, onlink, weight: 1 }] : [])),
    nextHopId,
    mtu,
    table,
    protocol: payload[5] as number,
    scope: payload[6] as number,
    metric,
    source,
    extras: payload[3] === 0 ? extras : `tos ${payload[3]} ${extras}`.trimEnd(),
  };
}

/** The kernel gives such routes of IPv6 the loopback for a device. */
function leadsNowhere(type: RouteType): boolean {
  return type === "unreachable" || type === "blackhole" || type === "prohibit" || type === "throw";
}

function readAttributes(payload: Uint8Array): Draft {
  const draft: Draft = {
    destination: undefined,
    table: payload[4] as number,
    metric: 0,
    ifindex: 0,
    gateway: undefined,
    source: undefined,
    hops: undefined,
    nextHopId: undefined,
    mtu: undefined,
    extras: "",
  };
  walkAttributes(payload.subarray(ROUTE_HEADER_OCTETS), (type, value) =>
    readAttribute(draft, type, value),
  );
  return draft;
}

function readAttribute(draft: Draft, type: number, value: Uint8Array): void {
  switch (type) {
    case RouteAttribute.destination:
      draft.destination = value;
      break;
    case RouteAttribute.table:
      draft.table = attributeUint32(value);
      break;
    case RouteAttribute.priority:
      draft.metric = attributeUint32(value);
      break;
    case RouteAttribute.outputInterface:
      draft.ifindex = attributeUint32(value);
      break;
    case RouteAttribute.gateway:
      draft.gateway = addressText(value);
      break;
    case RouteAttribute.via:
      draft.gateway = addressText(value.subarray(2));
      break;
    case RouteAttribute.preferredSource:
      draft.source = addressText(value);
      break;
    case RouteAttribute.nextHopId:
      draft.nextHopId = attributeUint32(value);
      break;
    case RouteAttribute.multipath:
      draft.hops = decodeMultipath(value);
      break;
    case RouteAttribute.metrics:
      readMetrics(draft, value);
      break;
    case RouteAttribute.encap:
      addExtra(draft, "encap");
      break;
  }
}

/** An MTU alone is one that we may have set; all else, such as a lock on it, is not. */
function readMetrics(draft: Draft, value: Uint8Array): void {
  let isPlain = true;
  let mtu: number | undefined;
  walkAttributes(value, (type, metric) => {
    if (type === RouteMetric.mtu) mtu = attributeUint32(metric);
    else isPlain = false;
  });
  if (isPlain) draft.mtu = mtu;
  else addExtra(draft, "metrics");
}

function addExtra(draft: Draft, extra: string): void {
  draft.extras = draft.extras === "" ? extra : `${draft.extras} ${extra}`;
}

function addressText(value: Uint8Array): string | undefined {
  return value.length === 4 || value.length === 16 ? formatIpAddress(value) : undefined;
}

/** RTA_MULTIPATH: `struct rtnexthop` (length u16, flags u8, weight-1 u8, ifindex u32), each followed by attributes. */
function decodeMultipath(octets: Uint8Array): RouteHop[] {
  const hops: RouteHop[] = [];
  let offset = 0;
  while (offset + 8 <= octets.length) {
    const length = (octets[offset] as number) | ((octets[offset + 1] as number) << 8);
    if (length < 8 || offset + length > octets.length) break;
    let gateway: string | undefined;
    walkAttributes(octets.subarray(offset + 8, offset + length), (type, value) => {
      if (type === RouteAttribute.gateway) gateway = addressText(value);
      else if (type === RouteAttribute.via) gateway = addressText(value.subarray(2));
    });
    hops.push({
      gateway,
      ifindex: attributeUint32(octets.subarray(offset + 4)),
      onlink: ((octets[offset + 2] as number) & RouteFlag.onlink) !== 0,
      weight: (octets[offset + 3] as number) + 1,
    });
    offset += (length + 3) & ~3;
  }
  return hops;
}
