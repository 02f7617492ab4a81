/** Whatever a file holds, its reader neither throws nor tells more than the octets can hold, and its chunks make no difference. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { detectFormat, magicOctets } from "../../src/capture/file-format.ts";
import { captureReader } from "../../src/capture/index.ts";
import { decodedLine } from "../../src/cli/format/decoded.ts";

const directory = `${import.meta.dirname}/../vectors/capture`;
const files = readdirSync(directory)
  .filter((name) => !name.endsWith(".jsonl"))
  .map((name) => Uint8Array.from(readFileSync(`${directory}/${name}`)));
const formats = ["hex", "mrt", "pcap", "pcapng"] as const;

function decode(format: (typeof formats)[number], chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const reader = captureReader(format, { fourOctetAs: true, addPath: false }, (captured) => {
    lines.push(decodedLine(captured).json);
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return lines;
}

function cut(octets: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...at, octets.length].map((place) => place % (octets.length + 1));
  const ends = places.toSorted((a, b) => a - b);
  return ends.map((end, index) => octets.subarray(ends[index - 1] ?? 0, end));
}

const cuts = fc.array(fc.nat(), { maxLength: 5 });

test("any octets are read in every format", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...formats),
      fc.uint8Array({ maxLength: 400 }),
      cuts,
      (format, octets, at) => {
        assert.deepEqual(decode(format, cut(octets, at)), decode(format, [octets]));
      },
    ),
    { numRuns: 2000 },
  );
});

test("real files with wrong octets in them are read, whatever the chunks", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom(...files), changes, fc.nat(), cuts, (file, wrong, length, at) => {
      const broken = file.slice(0, length % 4 === 0 ? length % file.length : file.length);
      for (const [place, octet] of wrong) broken[place % broken.length] = octet;
      const format = detectFormat(broken.subarray(0, magicOctets));
      if (format === undefined || format === "gzip") return;
      assert.deepEqual(decode(format, cut(broken, at)), decode(format, [broken]));
    }),
    { numRuns: 300 },
  );
});
