import { parseIpAddress } from "../../src/net/ip-address.ts";

/** What differs of a TCP packet from 192.0.2.1:40000 to 192.0.2.2:179. */
export interface PacketOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  /** Default ACK; SYN is 2. */
  readonly flags?: number;
  readonly payload?: Uint8Array;
  /** LINKTYPE_ value; default 1, Ethernet. */
  readonly linkType?: number;
  /** Octets of the packet that are in the file. */
  readonly captured?: number;
}

/** A pcap file of these packets, in microseconds. */
export function pcap(packets: readonly PacketOptions[]): Uint8Array {
  const { linkType = 1 } = packets[0] ?? {};
  const file = new DataView(new ArrayBuffer(24));
  file.setUint32(0, 0xa1b2c3d4);
  file.setUint16(4, 2);
  file.setUint16(6, 4);
  file.setUint32(16, 0x40000);
  file.setUint32(20, linkType);
  const records = packets.map((options, index) => {
    const whole = linkPacket(options);
    const octets = whole.subarray(0, options.captured ?? whole.length);
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, 1_800_000_000);
    header.setUint32(4, index);
    header.setUint32(8, octets.length);
    header.setUint32(12, whole.length);
    return [...new Uint8Array(header.buffer), ...octets];
  });
  return Uint8Array.from([...new Uint8Array(file.buffer), ...records.flat()]);
}

/** A packet as its link type has it. */
export function linkPacket(options: PacketOptions): Uint8Array {
  const ip = ipPacket(options);
  const etherType = ip[0] === 0x45 ? [0x08, 0x00] : [0x86, 0xdd];
  const head: Readonly<Record<number, readonly number[]>> = {
    0: [2, 0, 0, 0],
    1: [...Array.from({ length: 12 }, () => 0x02), ...etherType],
    101: [],
    113: [...Array.from({ length: 14 }, () => 0), ...etherType],
    276: [...etherType, ...Array.from({ length: 18 }, () => 0)],
  };
  return Uint8Array.from([...(head[options.linkType ?? 1] ?? []), ...ip]);
}

function ipPacket(options: PacketOptions): Uint8Array {
  const source = parseIpAddress(options.source ?? "192.0.2.1") as Uint8Array;
  const destination = parseIpAddress(options.destination ?? "192.0.2.2") as Uint8Array;
  const tcp = tcpSegment(options);
  if (source.length === 16) {
    return Uint8Array.from([
      ...[0x60, 0, 0, 0, tcp.length >>> 8, tcp.length & 0xff, 6, 64],
      ...[...source, ...destination, ...tcp],
    ]);
  }
  const length = 20 + tcp.length;
  return Uint8Array.from([
    ...[0x45, 0, length >>> 8, length & 0xff, 0, 0, 0, 0, 64, 6, 0, 0],
    ...[...source, ...destination, ...tcp],
  ]);
}

function tcpSegment(options: PacketOptions): Uint8Array {
  const { flags = 0x10, payload = new Uint8Array(0), sequence = 1 } = options;
  const view = new DataView(new ArrayBuffer(20 + payload.length));
  view.setUint16(0, options.sourcePort ?? 40_000);
  view.setUint16(2, options.destinationPort ?? 179);
  view.setUint32(4, sequence);
  view.setUint16(12, 0x5000 | flags);
  const octets = new Uint8Array(view.buffer);
  octets.set(payload, 20);
  return octets;
}
