import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Replayed, replay } from "../../../src/recording/replay.ts";
import { ribDigest } from "../../../src/recording/rib-digest.ts";

/** Where the recordings are. */
export const directory: string = import.meta.dirname;

/** The interop test that a recording is of: `hold-timer` of `hold-timer-09-node.rec`. */
export function testOf(name: string): string {
  return name.replace(/-\d+-\w+\.rec(\.gz)?$/, "");
}

interface Digest {
  readonly inputs: number;
  readonly rib: ReturnType<typeof ribDigest>;
  /** By address: octets, and their digest. */
  readonly peers: Readonly<Record<string, string>>;
  /** It is what a later speaker came to, and meant to (accept.ts): not what the daemon wrote when it was recorded. */
  readonly isAccepted?: true;
}

/** What each recording came to when it was made, by file. */
export type Digests = Readonly<Record<string, Digest>>;

const file = `${directory}/digests.json`;

export function readDigests(): Digests {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Digests) : {};
}

export function writeDigests(digests: Digests): void {
  const sorted = Object.entries(digests).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(
    ([name, digest]) => `${JSON.stringify(name)}: ${JSON.stringify(digest)}`,
  );
  writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
}

/** The recording of this name, replayed to its end. */
export function replayFixture(name: string): Replayed {
  return replay(gunzipSync(readFileSync(`${directory}/${name}`)), { goesOn: true });
}

export function digestsOf({ speaker, inputs, outputs }: Replayed): Digest {
  const peers = [...outputs].map(([address, { octets, digest }]) => [
    address,
    `${octets} ${digest}`,
  ]);
  return { inputs, rib: ribDigest(speaker), peers: Object.fromEntries(peers) };
}
