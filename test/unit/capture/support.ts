import type { AssumedSession, Captured } from "../../../src/capture/captured.ts";
import { detectFormat, magicOctets } from "../../../src/capture/file-format.ts";
import { captureReader } from "../../../src/capture/index.ts";
import { describeMessage } from "../../../src/bgp/describe/describe-message.ts";
import { toHex } from "../../vectors/hex.ts";

/** All that is found in a file, its octets copied. */
export function capture(
  file: Uint8Array,
  assumed: Partial<AssumedSession> = {},
): readonly Captured[] {
  const format = detectFormat(file.subarray(0, magicOctets));
  if (format === undefined || format === "gzip") throw new Error(`format ${format}`);
  const found: Captured[] = [];
  const session = { fourOctetAs: true, addPath: false, ...assumed };
  const reader = captureReader(format, session, (one) => {
    found.push("octets" in one ? { ...one, octets: one.octets.slice() } : one);
  });
  reader.push(file);
  reader.end();
  return found;
}

/** The messages alone, as hex. */
export function messagesOf(found: readonly Captured[]): readonly string[] {
  return found.flatMap((one) => ("octets" in one ? [toHex(one.octets)] : []));
}

/** The messages as they are described, with where they were found. */
export function describedOf(found: readonly Captured[]): readonly unknown[] {
  return found.map((one) =>
    "octets" in one ? { place: one.place, ...describeMessage(one.octets, one.context) } : one,
  );
}
