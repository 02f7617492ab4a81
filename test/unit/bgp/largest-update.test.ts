import assert from "node:assert/strict";
import { test } from "node:test";
import {
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
} from "../../support/speaker-harness.ts";

const own = "10.0.0.1";
const theirs = "10.0.0.9";
const asn = 65_001;

/** How many communities a peer of another AS has of a host route that bears so many; `undefined` where it has no route. */
function told(communities: number): number | undefined {
  const node = new SpeakerNetwork().speaker(own, { nextHopSelf: { 4: own } });
  const exportCommunities = Array.from({ length: communities }, (_, index) => index + 1);
  node.speaker.addPeer(peerSettings(theirs, { passive: true, asn, exportCommunities }));
  const peer = new ScriptedPeer(node, theirs, { asn });
  peer.establish();
  node.speaker.originate([prefix("10.244.1.1/32")]);
  node.network.settle();
  return peer.view.routes.get("10.244.1.1/32")?.communities?.length;
}

test("an UPDATE of 4,096 octets has as many attributes as leave room for the prefix, and not one more (RFC 4271 §4)", () => {
  // Beside the communities: header 19, two lengths 4, ORIGIN 4, AS_PATH 9, NEXT_HOP 7, their own head 4, the prefix 5.
  assert.equal(told(1011), 1011);
  assert.equal(told(1012), undefined);
});
