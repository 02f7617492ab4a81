/** RFC 8654 §4: what we may be sent follows from our OPEN alone, what we may send from both. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import {
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b] = ["10.0.0.1", "10.0.0.2"] as const;
const ipv4: Capability = { name: "multiprotocol", afi: 1, safi: 1 };
const silent: readonly Capability[] = [ipv4, { name: "fourOctetAs", asn: 64_512 }];
const offering: readonly Capability[] = [...silent, { name: "extendedMessage" }];

/** Octets of an UPDATE, without its header, whose withdrawn routes are 10.9.0.0/24 over and over. */
function withdrawals(count: number): Uint8Array {
  const octets = Array.from({ length: count }, () => [24, 10, 9, 0]).flat();
  return Uint8Array.of(octets.length >>> 8, octets.length & 0xff, ...octets, 0, 0);
}

/** Without extended messages one can have as many, and with them. */
const fitsPlain = 1018;
const fitsExtended = 16_378;

/** A peer of a speaker that offers extended messages, or does not. */
function peerOf(
  isOffered: boolean,
  capabilities: readonly Capability[],
): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  const settings = { passive: true, client: true, extendedMessages: isOffered };
  node.speaker.addPeer(peerSettings(b, settings));
  return { node, peer: new ScriptedPeer(node, b, { capabilities }) };
}

describe("a message of more than 4096 octets", () => {
  test("is taken from whoever was offered it, though it offers nothing itself", () => {
    for (const capabilities of [silent, offering]) {
      const { node, peer } = peerOf(true, capabilities);
      peer.establish();
      peer.announce("10.9.0.0/24");
      assert.equal(node.routes().length, 1);
      peer.sendBody(withdrawals(fitsExtended));
      assert.deepEqual([node.state(b), node.routes()], ["Established", []]);
    }
  });

  test("is answered 1/2 where it was not offered, whatever the peer offers", () => {
    for (const capabilities of [silent, offering]) {
      const { peer } = peerOf(false, capabilities);
      peer.establish();
      peer.sendBody(withdrawals(fitsPlain));
      assert.deepEqual(peer.notifications(), []);
      peer.sendBody(withdrawals(fitsPlain + 1));
      assert.deepEqual(peer.notifications(), ["1/2"]);
    }
  });

  test("is taken as soon as our OPEN is out, but no OPEN of that size", () => {
    const { node, peer } = peerOf(true, silent);
    peer.connect();
    peer.send(notification(5000));
    assert.deepEqual(peer.notifications(), [], "one NOTIFICATION is not answered with another");
    assert.equal(node.speaker.peer(b)?.fsm.lastDown?.notification?.subcode, 8);
    const second = peerOf(true, silent);
    second.peer.connect();
    const open = notification(5000);
    open[18] = 1;
    second.peer.send(open);
    assert.deepEqual(second.peer.notifications(), ["1/2"]);
  });

  test("is sent to nobody who does not offer it", () => {
    for (const [isOffered, capabilities] of [
      [true, silent],
      [false, offering],
    ] as const) {
      const { node, peer } = peerOf(isOffered, capabilities);
      node.originate(
        ...Array.from({ length: 2000 }, (_, index) => `10.${index >> 8}.${index & 0xff}.0/24`),
      );
      peer.establish();
      assert.equal(peer.view.routes.size, 2000);
      assert.ok(peer.view.updates > 1);
    }
  });
});

/** A Cease of so many octets, for want of resources. */
function notification(length: number): Uint8Array {
  const octets = new Uint8Array(length).fill(0xff, 0, 16);
  octets.set([length >>> 8, length & 0xff, 3, 6, 8], 16);
  return octets;
}
