import type { CodecContext } from "../message/codec-context.ts";

/**
 * What changes the meaning of the same octets, part of the identity of a block of path attributes: how they are read, and
 * how often our own AS number may stand in AS_PATH, 0 to 10 (from bit 2).
 */
export const ContextBit = { fourOctetAs: 1, external: 2 } as const;
const codecMask = ContextBit.fourOctetAs | ContextBit.external;
const ownAsnsShift = 2;

export function contextBits(
  context: Pick<CodecContext, "fourOctetAs" | "external">,
  ownAsns = 0,
): number {
  return (
    (context.fourOctetAs ? ContextBit.fourOctetAs : 0) |
    (context.external ? ContextBit.external : 0) |
    (ownAsns << ownAsnsShift)
  );
}

/** Those of the bits that say how octets are read. */
export function codecBits(bits: number): number {
  return bits & codecMask;
}

/** How often our own AS number may stand in AS_PATH. */
export function allowedOwnAsns(bits: number): number {
  return bits >>> ownAsnsShift;
}

/** The codec context, as far as attributes go, that `contextBits` stands for. */
export function contextOfBits(bits: number): CodecContext {
  return {
    fourOctetAs: (bits & ContextBit.fourOctetAs) !== 0,
    external: (bits & ContextBit.external) !== 0,
    maximumMessageOctets: 65535,
    // What is in a store was judged when it came.
    extendedNextHop: true,
    addPathReceive: new Set(),
    addPathSend: new Set(),
  };
}
