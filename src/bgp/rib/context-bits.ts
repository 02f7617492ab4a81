import type { CodecContext } from "../message/codec-context.ts";

/** What of the codec changes the meaning of the same octets: part of the identity of a block of path attributes. */
export const ContextBit = { fourOctetAs: 1, external: 2 } as const;

export function contextBits(context: Pick<CodecContext, "fourOctetAs" | "external">): number {
  return (
    (context.fourOctetAs ? ContextBit.fourOctetAs : 0) |
    (context.external ? ContextBit.external : 0)
  );
}

/** The codec context, as far as attributes go, that `contextBits` stands for. */
export function contextOfBits(bits: number): CodecContext {
  return {
    fourOctetAs: (bits & ContextBit.fourOctetAs) !== 0,
    external: (bits & ContextBit.external) !== 0,
    maximumMessageOctets: 65535,
    addPathReceive: new Set(),
    addPathSend: new Set(),
  };
}
