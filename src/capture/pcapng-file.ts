import type { CaptureTime } from "./captured.ts";
import { OctetQueue } from "./octet-queue.ts";
import { largestPacketOctets, type Packet } from "./packet.ts";

const BlockType = {
  section: 0x0a0d0d0a,
  interface: 1,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

/** Of the section header: its byte order. */
const byteOrderMagic = 0x1a2b3c4d;
const bigEndianMagicBackwards = 0x4d3c2b1a;

/** A block holds a packet and little else. */
const largestBlockOctets = 16 * largestPacketOctets;
const smallestBlockOctets = 12;

/** Options of an interface. */
const timeResolutionOption = 9;
const timeOffsetOption = 14;

interface Interface {
  readonly linkType: number;
  /** Units of a time in a second. */
  readonly unitsPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** Cuts a pcapng file into packets (draft-ietf-opsawg-pcapng): sections of either byte order, each with its interfaces. */
export class PcapngFile {
  readonly #take: (packet: Packet) => void;
  readonly #problem: (offset: number, problem: string) => void;
  readonly #queue = new OctetQueue();
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #number = 0;
  #isBroken = false;

  constructor(take: (packet: Packet) => void, problem: (offset: number, problem: string) => void) {
    this.#take = take;
    this.#problem = problem;
  }

  push(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    this.#queue.push(chunk);
    while (!this.#isBroken && this.#next());
  }

  end(): void {
    if (this.#queue.length > 0 && !this.#isBroken) {
      this.#problem(this.#queue.offset, "the file ends inside a block");
    }
  }

  /** @returns whether there was a whole block */
  #next(): boolean {
    const head = viewOf(this.#queue.peek(smallestBlockOctets));
    if (head === undefined) return false;
    // A section's type reads the same in both orders, and the order stands behind its length.
    if (head.getUint32(0) === BlockType.section && !this.#beginSection(head.getUint32(8))) {
      return false;
    }
    const type = head.getUint32(0, this.#littleEndian);
    const length = head.getUint32(4, this.#littleEndian);
    if (length < smallestBlockOctets || length % 4 !== 0 || length > largestBlockOctets) {
      return this.#break(`a block of ${length} octets; the rest is not read`);
    }
    const block = viewOf(this.#queue.peek(length));
    if (block === undefined) return false;
    this.#readBlock(type, new DataView(block.buffer, block.byteOffset + 8, length - 12));
    this.#queue.skip(length);
    return true;
  }

  #beginSection(magic: number): boolean {
    if (magic !== byteOrderMagic && magic !== bigEndianMagicBackwards) {
      return this.#break("a section without byte order; the rest is not read");
    }
    this.#littleEndian = magic === bigEndianMagicBackwards;
    return true;
  }

  #break(problem: string): false {
    this.#problem(this.#queue.offset, problem);
    this.#isBroken = true;
    return false;
  }

  #readBlock(type: number, body: DataView): void {
    if (type === BlockType.section) this.#interfaces = [];
    else if (type === BlockType.interface && body.byteLength >= 8) this.#addInterface(body);
    else if (type === BlockType.enhancedPacket && body.byteLength >= 20) this.#enhanced(body);
    else if (type === BlockType.simplePacket && body.byteLength >= 4) this.#simple(body);
  }

  #addInterface(body: DataView): void {
    let unitsPerSecond = 1_000_000n;
    let offsetSeconds = 0n;
    const linkType = body.getUint16(0, this.#littleEndian);
    for (let at = 8; at + 4 <= body.byteLength; ) {
      const code = body.getUint16(at, this.#littleEndian);
      const length = body.getUint16(at + 2, this.#littleEndian);
      const value = at + 4;
      if (value + length > body.byteLength) break;
      if (code === timeResolutionOption && length >= 1) {
        unitsPerSecond = resolution(body.getUint8(value));
      } else if (code === timeOffsetOption && length >= 8) {
        offsetSeconds = body.getBigInt64(value, this.#littleEndian);
      }
      at = value + length + (-length & 3);
    }
    this.#interfaces.push({ linkType, unitsPerSecond, offsetSeconds });
  }

  #enhanced(body: DataView): void {
    const from = this.#interfaces[body.getUint32(0, this.#littleEndian)];
    const upper = BigInt(body.getUint32(4, this.#littleEndian));
    const lower = BigInt(body.getUint32(8, this.#littleEndian));
    const length = Math.min(body.getUint32(12, this.#littleEndian), body.byteLength - 20);
    this.#number++;
    if (from === undefined) return;
    this.#tell(from, timeOf((upper << 32n) | lower, from), body, 20, length);
  }

  /** A packet of the first interface, without a time. */
  #simple(body: DataView): void {
    const length = Math.min(body.getUint32(0, this.#littleEndian), body.byteLength - 4);
    this.#number++;
    const [from] = this.#interfaces;
    if (from !== undefined) this.#tell(from, { seconds: 0, nanoseconds: 0 }, body, 4, length);
  }

  #tell(
    { linkType }: Interface,
    time: CaptureTime,
    body: DataView,
    start: number,
    length: number,
  ): void {
    const octets = new Uint8Array(body.buffer, body.byteOffset + start, length);
    this.#take({ number: this.#number, linkType, octets, time });
  }
}

/** A power of two where the highest bit is set, else of ten. */
function resolution(value: number): bigint {
  const exponent = BigInt(value & 0x7f);
  return (value & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
}

function timeOf(units: bigint, { offsetSeconds, unitsPerSecond }: Interface): CaptureTime {
  const seconds = units / unitsPerSecond + offsetSeconds;
  const nanoseconds = ((units % unitsPerSecond) * 1_000_000_000n) / unitsPerSecond;
  return { seconds: Number(seconds), nanoseconds: Number(nanoseconds) };
}

function viewOf(octets: Uint8Array | undefined): DataView | undefined {
  return octets && new DataView(octets.buffer, octets.byteOffset, octets.length);
}
