import { OctetQueue } from "./octet-queue.ts";
import { largestPacketOctets, type Packet } from "./packet.ts";

const fileHeaderOctets = 24;
const packetHeaderOctets = 16;
const nanosecondMagic = 0xa1b23c4d;

/** What the file's header says. */
interface PcapLayout {
  readonly littleEndian: boolean;
  /** Nanoseconds in a unit of the times' second half. */
  readonly fraction: 1 | 1000;
  readonly linkType: number;
}

/** Cuts a pcap file into packets (draft-ietf-opsawg-pcap), of either byte order and with micro- or nanoseconds. */
export class PcapFile {
  readonly #take: (packet: Packet) => void;
  readonly #problem: (offset: number, problem: string) => void;
  readonly #queue = new OctetQueue();
  #layout: PcapLayout | undefined;
  #number = 0;
  #isBroken = false;

  constructor(take: (packet: Packet) => void, problem: (offset: number, problem: string) => void) {
    this.#take = take;
    this.#problem = problem;
  }

  push(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    this.#queue.push(chunk);
    this.#layout ??= this.#readHeader();
    if (this.#layout !== undefined) while (!this.#isBroken && this.#next(this.#layout));
  }

  end(): void {
    if (this.#queue.length > 0 && !this.#isBroken) {
      this.#problem(this.#queue.offset, "the file ends inside a packet");
    }
  }

  #readHeader(): PcapLayout | undefined {
    const view = viewOf(this.#queue.peek(fileHeaderOctets));
    if (view === undefined) return undefined;
    const littleEndian = view.getUint8(0) > 0xa1;
    const fraction = view.getUint32(0, littleEndian) === nanosecondMagic ? 1 : 1000;
    // The upper half may tell of a frame check sequence.
    const linkType = view.getUint32(20, littleEndian) & 0xffff;
    this.#queue.skip(fileHeaderOctets);
    return { littleEndian, fraction, linkType };
  }

  /** @returns whether there was a whole packet */
  #next({ fraction, linkType, littleEndian }: PcapLayout): boolean {
    const header = viewOf(this.#queue.peek(packetHeaderOctets));
    if (header === undefined) return false;
    const length = header.getUint32(8, littleEndian);
    if (length > largestPacketOctets) {
      this.#problem(this.#queue.offset, `a packet of ${length} octets; the rest is not read`);
      this.#isBroken = true;
      return false;
    }
    const seconds = header.getUint32(0, littleEndian);
    const nanoseconds = (header.getUint32(4, littleEndian) * fraction) % 1e9;
    const whole = this.#queue.peek(packetHeaderOctets + length);
    if (whole === undefined) return false;
    this.#number++;
    const octets = whole.subarray(packetHeaderOctets);
    this.#take({ number: this.#number, linkType, octets, time: { seconds, nanoseconds } });
    this.#queue.skip(whole.length);
    return true;
  }
}

function viewOf(octets: Uint8Array | undefined): DataView | undefined {
  return octets && new DataView(octets.buffer, octets.byteOffset, octets.length);
}
