/**
 * Files that BIRD 2.0.12 and FRR 8.4.4 wrote of one eBGP session each over IPv4 and IPv6, or tcpdump and tshark of it:
 * `<name>.jsonl` is what `margay decode` prints, capabilities left out.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { detectFormat, magicOctets } from "../../src/capture/file-format.ts";
import { captureReader } from "../../src/capture/index.ts";
import { decodedLine } from "../../src/cli/format/decoded.ts";

const directory = `${import.meta.dirname}/capture`;

function decode(file: Uint8Array, chunkOctets: number): unknown[] {
  const format = detectFormat(file.subarray(0, magicOctets));
  assert.ok(format !== undefined && format !== "gzip");
  const lines: unknown[] = [];
  const reader = captureReader(format, { fourOctetAs: true, addPath: false }, (captured) => {
    const { complaints, json } = decodedLine(captured);
    assert.deepEqual(complaints, []);
    const { capabilities: _, ...line } = JSON.parse(json) as Record<string, unknown>;
    lines.push(line);
  });
  for (let at = 0; at < file.length; at += chunkOctets) {
    // A buffer of its own that is written over: nothing may be kept of it.
    const chunk = file.slice(at, at + chunkOctets);
    reader.push(chunk);
    chunk.fill(0xee);
  }
  reader.end();
  return lines;
}

const names = readdirSync(directory).filter((name) => !name.endsWith(".jsonl"));
assert.ok(names.length > 5);
for (const name of names) {
  const file = Uint8Array.from(readFileSync(`${directory}/${name}`));
  const expected = readFileSync(`${directory}/${name}.jsonl`, "utf8").trim().split("\n");
  for (const chunkOctets of [file.length, 1000, 7, 1]) {
    test(`${name} is decoded in chunks of ${chunkOctets}`, () => {
      assert.deepEqual(
        decode(file, chunkOctets),
        expected.map((line) => JSON.parse(line) as unknown),
      );
    });
  }
}
