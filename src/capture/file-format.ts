import { mrtTypes } from "./mrt-type.ts";

/** What a file may be; `gzip` wraps one of the others. */
export type FileFormat = "hex" | "mrt" | "pcap" | "pcapng" | "gzip";

/** As many octets as tell one format from the others. */
export const magicOctets = 12;

const pcapMagics: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1]);
const pcapngMagic = 0x0a0d0d0a;
const gzipMagic = 0x1f8b;

/** Tells the format by the file's first octets, `magicOctets` of them or the whole file; `undefined` when it is none that is known. */
export function detectFormat(head: Uint8Array): FileFormat | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length >= 2 && view.getUint16(0) === gzipMagic) return "gzip";
  if (head.length >= 4) {
    const magic = view.getUint32(0);
    if (pcapMagics.has(magic)) return "pcap";
    if (magic === pcapngMagic) return "pcapng";
  }
  // MRT has no magic: after the time stands a type, of which there are few, and that is never text.
  if (head.length >= magicOctets && mrtTypes.has(view.getUint16(4))) return "mrt";
  return head.every(isText) ? "hex" : undefined;
}

/** Printable ASCII and white space. */
function isText(octet: number): boolean {
  return (octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d);
}
