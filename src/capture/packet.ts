import type { CaptureTime } from "./captured.ts";

/** One packet as a link saw it. */
export interface Packet {
  /** From 1, as other tools count: `frame 17`. */
  readonly number: number;
  /** LINKTYPE_ value of the pcap registry. */
  readonly linkType: number;
  /** A view; what was captured of it. */
  readonly octets: Uint8Array;
  readonly time: CaptureTime;
}

/** Far beyond any link's packets: what says more is no packet. */
export const largestPacketOctets = 1024 * 1024;
