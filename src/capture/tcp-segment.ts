import { formatIpAddress } from "../net/ip-address.ts";
import { Reader, ShortReadError } from "../wire/reader.ts";
import { ipPacketOf } from "./link-layer.ts";
import type { Packet } from "./packet.ts";

/** What reassembly must know of a TCP segment. */
export interface TcpSegment {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** Unsigned 32-bit. */
  readonly sequence: number;
  readonly isSyn: boolean;
  /** A view. */
  readonly payload: Uint8Array;
  /** Octets at the end of the payload that were not captured. */
  readonly missingOctets: number;
}

const tcpProtocol = 6;
const synFlag = 0x02;
/** Hop-by-hop, routing and destination options, which all say their length alike; what is behind a fragment header is not whole. */
const ipv6Extensions: ReadonlySet<number> = new Set([0, 43, 60]);

interface IpPayload {
  readonly source: string;
  readonly destination: string;
  readonly reader: Reader;
  /** Octets by the IP header, captured or not. */
  readonly length: number;
}

/** The TCP segment in a packet; `undefined` when it holds none, only a fragment, or too little of it was captured. */
export function tcpSegmentOf(packet: Packet): TcpSegment | undefined {
  const octets = ipPacketOf(packet);
  if (octets === undefined || octets.length === 0) return undefined;
  try {
    const version = (octets[0] as number) >>> 4;
    const ip =
      version === 4 ? ipv4Payload(octets) : version === 6 ? ipv6Payload(octets) : undefined;
    return ip && readTcp(ip);
  } catch (error) {
    if (error instanceof ShortReadError) return undefined;
    throw error;
  }
}

function ipv4Payload(octets: Uint8Array): IpPayload | undefined {
  const reader = new Reader(octets);
  const headerOctets = (reader.uint8() & 0x0f) * 4;
  reader.uint8();
  // 0: a packet that the network card is to cut, or has put together.
  const totalOctets = reader.uint16() || octets.length;
  reader.uint16();
  const isFragment = (reader.uint16() & 0x3fff) !== 0;
  reader.uint8();
  const protocol = reader.uint8();
  reader.uint16();
  const source = formatIpAddress(reader.bytes(4));
  const destination = formatIpAddress(reader.bytes(4));
  reader.bytes(Math.max(0, headerOctets - 20));
  if (isFragment || protocol !== tcpProtocol) return undefined;
  return within(octets, reader.offset, totalOctets, { source, destination });
}

function ipv6Payload(octets: Uint8Array): IpPayload | undefined {
  const reader = new Reader(octets);
  reader.uint32();
  const payloadOctets = reader.uint16() || octets.length - 40;
  let next = reader.uint8();
  reader.uint8();
  const source = formatIpAddress(reader.bytes(16));
  const destination = formatIpAddress(reader.bytes(16));
  while (ipv6Extensions.has(next)) {
    next = reader.uint8();
    reader.bytes(reader.uint8() * 8 + 6);
  }
  if (next !== tcpProtocol) return undefined;
  return within(octets, reader.offset, 40 + payloadOctets, { source, destination });
}

/** What stands in `octets` from `start` on, without the padding of short Ethernet frames. */
function within(
  octets: Uint8Array,
  start: number,
  end: number,
  ends: Pick<IpPayload, "source" | "destination">,
): IpPayload {
  const reader = new Reader(octets, start, Math.max(start, Math.min(end, octets.length)));
  return { ...ends, reader, length: end - start };
}

function readTcp({ destination, length, reader, source }: IpPayload): TcpSegment {
  const start = reader.offset;
  const sourcePort = reader.uint16();
  const destinationPort = reader.uint16();
  const sequence = reader.uint32();
  reader.uint32();
  const headerOctets = (reader.uint8() >>> 4) * 4;
  const flags = reader.uint8();
  reader.bytes(Math.max(20, headerOctets) - (reader.offset - start));
  const payload = reader.rest();
  return {
    source,
    sourcePort,
    destination,
    destinationPort,
    sequence,
    isSyn: (flags & synFlag) !== 0,
    payload,
    missingOctets: Math.max(0, length - Math.max(20, headerOctets) - payload.length),
  };
}
