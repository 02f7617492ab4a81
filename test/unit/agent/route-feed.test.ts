import assert from "node:assert/strict";
import { test } from "node:test";
import { feedRoutes } from "../../../src/agent/route-feed.ts";
import { peerSettings, ScriptedPeer, SpeakerNetwork } from "../../support/speaker-harness.ts";

const own = "10.0.0.1";
const pods = "10.244.1.0/24";

test("the programmer is told of every change of next hops, several at once where they are equal", () => {
  const decision = { maximumPaths: 4, alwaysCompareMed: false, missingMedAsWorst: false };
  const node = new SpeakerNetwork().speaker(own, { decision });
  const told: string[] = [];
  const felix: Parameters<typeof feedRoutes>[1] = {
    setRoute: ({ prefix, nextHops }) => told.push(`${prefix.text} via ${nextHops.join(" ")}`),
    removeRoute: ({ text }) => told.push(`${text} gone`),
  };
  node.bestPathsChanged = (rib, changes) => feedRoutes(node.speaker, felix, rib, changes);
  const [first, second, third] = ["10.0.0.3", "10.0.0.2", "10.0.0.4"].map((address) => {
    node.speaker.addPeer(peerSettings(address, { passive: true }));
    const peer = new ScriptedPeer(node, address);
    peer.establish();
    return peer;
  }) as [ScriptedPeer, ScriptedPeer, ScriptedPeer];
  const step = (act: () => void): string[] => {
    told.length = 0;
    act();
    node.network.settle();
    return [...told];
  };
  assert.deepEqual(
    step(() => first.announce(pods)),
    [`${pods} via 10.0.0.3`],
  );
  assert.deepEqual(
    step(() => second.announce(pods)),
    [`${pods} via 10.0.0.2 10.0.0.3`],
  );
  assert.deepEqual(
    step(() => third.announceWith({ localPref: 99 }, pods)),
    [],
  );
  assert.deepEqual(
    step(() => third.announce(pods)),
    [`${pods} via 10.0.0.2 10.0.0.3 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => second.withdraw(pods)),
    [`${pods} via 10.0.0.3 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => first.disconnect()),
    [`${pods} via 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => third.withdraw(pods)),
    [`${pods} gone`],
  );
  assert.deepEqual(
    step(() => node.originate(pods)),
    [`${pods} gone`],
  );
});
