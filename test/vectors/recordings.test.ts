/**
 * Recorded lives of daemons that peered with BIRD, FRR, GoBGP, OpenBGPD and ExaBGP, from every interop test: replayed, each
 * must come to the same RIBs and write the same octets to every peer.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { digestsOf, directory, readDigests, replayFixture } from "./recordings/digests.ts";

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

for (const name of names) {
  test(`${name} replays to the same RIBs and octets`, () => {
    const replayed = replayFixture(name);
    const { isAccepted, ...digest } = digests[name] ?? assert.fail("it has no digest");
    if (isAccepted !== true) assert.equal(replayed.difference, undefined, remedy);
    assert.deepEqual(digestsOf(replayed), digest, remedy);
  });
}
