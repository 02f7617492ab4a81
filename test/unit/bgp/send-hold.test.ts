import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import {
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b] = ["10.0.0.1", "10.0.0.2"] as const;

function session(sendHoldTimeSeconds: number): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  node.speaker.addPeer(peerSettings(b, { passive: true, sendHoldTimeSeconds }));
  const peer = new ScriptedPeer(node, b);
  peer.establish();
  return { node, peer };
}

/** Lets time pass in which the peer talks, whether it reads or not. */
function pass(node: SpeakerNode, peer: ScriptedPeer, seconds: number): void {
  for (let second = 0; second < seconds; second += 10) {
    node.network.advance(Math.min(10, seconds - second));
    peer.send(encodeKeepalive());
  }
}

describe("a peer that talks and does not read (RFC 9687)", () => {
  test("is dropped when it has taken nothing for the send hold time, though nothing but KEEPALIVEs is due", () => {
    const { node, peer } = session(100);
    pass(node, peer, 200);
    assert.equal(node.state(b), "Established", "it reads");
    node.stall(b, true);
    pass(node, peer, 80);
    assert.equal(node.state(b), "Established", "it may still read");
    pass(node, peer, 40);
    assert.notEqual(node.state(b), "Established");
    assert.match(node.events.at(-1) ?? "", /has taken nothing of what we sent for 100 s/);
  });

  test("is not dropped while it takes a little now and then", () => {
    const { node, peer } = session(100);
    for (let round = 0; round < 5; round++) {
      node.stall(b, true);
      pass(node, peer, 90);
      node.stall(b, false);
      node.network.settle();
    }
    assert.equal(node.state(b), "Established");
  });

  test("is borne with where the time is 0", () => {
    const { node, peer } = session(0);
    node.stall(b, true);
    pass(node, peer, 2000);
    assert.equal(node.state(b), "Established");
  });
});
