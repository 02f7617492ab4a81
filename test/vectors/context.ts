import type { CodecContext } from "../../src/bgp/message/codec-context.ts";

/** An iBGP session of two 4-octet AS speakers, with what differs. */
export function codecContext(differing: Partial<CodecContext> = {}): CodecContext {
  return {
    fourOctetAs: true,
    external: false,
    maximumMessageOctets: 4096,
    addPathReceive: new Set(),
    addPathSend: new Set(),
    ...differing,
  };
}
