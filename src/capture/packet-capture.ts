import { BgpConnections } from "./bgp-connections.ts";
import type { AssumedSession, CaptureReader, Emit } from "./captured.ts";
import { isKnownLinkType } from "./link-layer.ts";
import type { Packet } from "./packet.ts";
import { PcapFile } from "./pcap-file.ts";
import { PcapngFile } from "./pcapng-file.ts";
import { tcpSegmentOf } from "./tcp-segment.ts";

/** The BGP messages in the packets of a pcap or pcapng file, their TCP streams put together. */
export class PacketCapture implements CaptureReader {
  readonly #emit: Emit;
  readonly #connections: BgpConnections;
  readonly #file: PcapFile | PcapngFile;
  readonly #unknownLinkTypes = new Set<number>();

  constructor(format: "pcap" | "pcapng", assumed: AssumedSession, emit: Emit) {
    this.#emit = emit;
    this.#connections = new BgpConnections(assumed, emit);
    const File = format === "pcap" ? PcapFile : PcapngFile;
    this.#file = new File(
      (packet) => this.#take(packet),
      (offset, problem) => emit({ place: `offset ${offset}`, problem }),
    );
  }

  push(chunk: Uint8Array): void {
    this.#file.push(chunk);
  }

  end(): void {
    this.#file.end();
    this.#connections.end();
  }

  #take(packet: Packet): void {
    const { linkType, number, time } = packet;
    const segment = tcpSegmentOf(packet);
    if (segment !== undefined) this.#connections.push(segment, `frame ${number}`, time);
    else if (!isKnownLinkType(linkType) && !this.#unknownLinkTypes.has(linkType)) {
      this.#unknownLinkTypes.add(linkType);
      const problem = `packets of link type ${linkType} cannot be read`;
      this.#emit({ place: `frame ${number}`, problem });
    }
  }
}
