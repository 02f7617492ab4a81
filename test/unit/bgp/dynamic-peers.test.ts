import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import {
  peerRange,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const own = "10.0.0.1";

const range = (text: string, limit: number, changes: Partial<PeerSettings> = {}) =>
  peerRange(text, changes, limit);

function counts(node: SpeakerNode): unknown[] {
  return [...node.speaker.dynamicPeers.ranges()].map(
    ({ range: { prefix: of }, peers, overLimit }) => [of.text, peers, overLimit],
  );
}

function addresses(node: SpeakerNode): string[] {
  return [...node.speaker.peers()].map(({ address }) => address);
}

describe("dynamic neighbours", () => {
  test("are accepted from a prefix, up to its limit, each with the settings of the longest", () => {
    const node = new SpeakerNetwork().speaker(own);
    node.speaker.setRanges([
      range("10.0.0.0/8", 2, { kind: "wide" }),
      range("10.1.0.0/16", 1, { kind: "narrow" }),
    ]);
    for (const from of ["10.0.0.2", "10.0.0.3", "10.1.0.2"]) {
      assert.equal(typeof node.speaker.accepted(from), "number");
    }
    assert.equal(node.speaker.accepted("10.0.0.4"), "the range 10.0.0.0/8 has its 2 peers already");
    assert.equal(
      node.speaker.accepted("10.1.0.3"),
      "the range 10.1.0.0/16 has its 1 peers already",
    );
    assert.match(String(node.speaker.accepted("192.0.2.1")), /no range holds it/);
    assert.deepEqual(addresses(node), ["10.0.0.2", "10.0.0.3", "10.1.0.2"]);
    assert.equal(node.speaker.peer("10.1.0.2")?.settings.kind, "narrow");
    assert.deepEqual(counts(node), [
      ["10.1.0.0/16", 1, 1],
      ["10.0.0.0/8", 2, 1],
    ]);
    assert.equal(node.speaker.dynamicPeers.strangers, 1);
  });

  test("make room when their session ends", () => {
    const node = new SpeakerNetwork().speaker(own);
    node.speaker.setRanges([range("10.0.0.0/8", 1)]);
    const peer = new ScriptedPeer(node, "10.0.0.2");
    peer.establish();
    assert.deepEqual(counts(node), [["10.0.0.0/8", 1, 0]]);
    peer.disconnect();
    assert.deepEqual(addresses(node), []);
    assert.deepEqual(counts(node), [["10.0.0.0/8", 0, 0]]);
    assert.equal(typeof node.speaker.accepted("10.0.0.3"), "number");
  });

  for (const [asn, admitted, refused] of [
    [[64_513, 64_514], 64_514, 64_512],
    ["external", 64_513, 64_512],
    ["internal", 64_512, 64_513],
  ] as const) {
    test(`of AS numbers ${String(asn)}: ${admitted} comes in, ${refused} is refused`, () => {
      const node = new SpeakerNetwork().speaker(own);
      node.speaker.setRanges([range("10.0.0.0/8", 9, { asn })]);
      const good = new ScriptedPeer(node, "10.0.0.2", { asn: admitted });
      good.establish();
      assert.equal(node.speaker.peer("10.0.0.2")?.fsm.state, "Established");
      const bad = new ScriptedPeer(node, "10.0.0.3", { asn: refused });
      bad.connect();
      bad.send(encodeOpen(bad.open));
      assert.deepEqual(bad.notifications(), ["2/2"]);
      assert.deepEqual(addresses(node), ["10.0.0.2"]);
    });
  }

  test("a flood of connections that say nothing takes up no more than the limit, and ends by itself", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(own);
    node.speaker.setRanges([range("10.0.0.0/8", 20)]);
    for (let host = 2; host < 250; host++) node.accept(`10.0.0.${host}`);
    network.settle();
    assert.equal(addresses(node).length, 20);
    assert.deepEqual(counts(node), [["10.0.0.0/8", 20, 228]]);
    network.clock.advance(5 * 60_000);
    network.settle();
    assert.deepEqual(counts(node), [["10.0.0.0/8", 0, 228]]);
  });

  test("other ranges: those inside stay, with what is new; those outside go; those that need a new session come back", () => {
    const node = new SpeakerNetwork().speaker(own);
    node.speaker.setRanges([
      range("10.1.0.0/16", 9),
      range("10.2.0.0/16", 9),
      range("10.3.0.0/16", 9),
    ]);
    const peers = ["10.1.0.2", "10.2.0.2", "10.3.0.2"].map((from) => {
      const peer = new ScriptedPeer(node, from);
      peer.establish();
      return peer;
    });
    node.speaker.setRanges([
      range("10.1.0.0/16", 9, { importPrefixes: [prefix("10.244.0.0/16")], kind: "new" }),
      range("10.3.0.0/16", 9, { holdTimeSeconds: 30 }),
    ]);
    assert.deepEqual(addresses(node), ["10.1.0.2"]);
    assert.equal(node.speaker.peer("10.1.0.2")?.settings.kind, "new");
    node.network.settle();
    assert.deepEqual(
      peers.map((peer) => peer.notifications()),
      [[], ["6/3"], ["6/6"]],
    );
    assert.deepEqual(counts(node), [
      ["10.1.0.0/16", 1, 0],
      ["10.3.0.0/16", 0, 0],
    ]);
  });
});
