/**
 * Recorded lives of daemons that peered with BIRD, FRR, GoBGP, OpenBGPD and ExaBGP, from every interop test: replayed, each
 * must come to the same RIBs and write the same octets to every peer.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { digestsOf, directory, readDigests, replayFixture, testOf } from "./recordings/digests.ts";

const names = readdirSync(directory).filter((name) => name.endsWith(".rec.gz"));
const digests = readDigests();

const remedy =
  "the speaker does something else than when this was recorded. If it is meant to: node test/vectors/recordings/accept.ts, " +
  "or record anew by npm run test:record";

test("there is a digest for each recording, and a route and a session in most", () => {
  assert.deepEqual(Object.keys(digests).toSorted(), names.toSorted());
  const all = Object.values(digests);
  assert.ok(all.length >= 50, `${all.length} recordings`);
  const eventful = all.filter(({ rib, peers }) => rib.paths >= 2 && Object.keys(peers).length > 0);
  assert.ok(eventful.length > all.length / 4, `${eventful.length} of ${all.length}`);
});

/** Interop tests of which there is no recorded run, and why. */
const unrecorded: Readonly<Record<string, string>> = {
  benchmark: "it is the tester that is tested; what margay does there is more of the same messages",
  capacity: "full tables and a thousand peers: hundreds of megabytes that show nothing more",
  "slow-client": "16 MiB of attributes and more, all to fall behind by",
  tshark: "it reads what our encoder writes; no daemon runs",
};

test("every interop test has a recorded run, or a reason to have none", () => {
  const interop = `${import.meta.dirname}/../interop`;
  const recorded = new Set(names.map(testOf));
  const tests = readdirSync(interop).filter((file) => file.endsWith(".test.ts"));
  const others = tests
    .map((file) => file.replace(".test.ts", ""))
    .filter((one) => !recorded.has(one));
  const hint = "record it: npm run test:record -- test/interop/NAME.test.ts; or say here why not";
  assert.deepEqual(others.toSorted(), Object.keys(unrecorded).toSorted(), hint);
});

for (const name of names) {
  test(`${name} replays to the same RIBs and octets`, () => {
    const replayed = replayFixture(name);
    const { isAccepted, ...digest } = digests[name] ?? assert.fail("it has no digest");
    if (isAccepted !== true) assert.equal(replayed.difference, undefined, remedy);
    assert.deepEqual(digestsOf(replayed), digest, remedy);
  });
}
