import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Peer } from "../../../src/bgp/peer.ts";
import { decodeShutdownCommunication } from "../../../src/bgp/message/shutdown-communication.ts";
import {
  peerRange,
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b] = ["10.0.0.1", "10.0.0.2"] as const;

function session(): { node: SpeakerNode; peer: ScriptedPeer; configured: Peer } {
  const node = new SpeakerNetwork().speaker(a);
  const configured = node.speaker.addPeer(peerSettings(b, { passive: true }));
  const peer = new ScriptedPeer(node, b);
  peer.establish();
  return { node, peer, configured };
}

/** The last NOTIFICATION: code, subcode and the text with it. */
function told(peer: ScriptedPeer): [number, number, string | undefined] | undefined {
  const last = peer.messages.findLast(({ type }) => type === "NOTIFICATION");
  if (last?.type !== "NOTIFICATION") return undefined;
  const { code, subcode, data } = last.notification;
  return [code, subcode, decodeShutdownCommunication(data)];
}

describe("a peer that is disabled", () => {
  test("is told why, and refused until it is enabled", () => {
    const { node, peer, configured } = session();
    node.speaker.control.disable(configured, "back at noon");
    node.network.settle();
    assert.deepEqual(told(peer), [6, 2, "back at noon"]);
    assert.equal(configured.held?.text, 'disabled by the operator: "back at noon"');
    peer.knock();
    assert.deepEqual(peer.notifications(), ["6/5"]);
    node.network.advance(300);
    assert.equal(node.state(b), "Idle");
    node.speaker.control.enable(configured);
    assert.equal(configured.held, undefined);
    peer.establish();
  });

  test("is not dialled meanwhile", () => {
    const network = new SpeakerNetwork();
    const [here, there] = [network.speaker(a), network.speaker(b)];
    here.peerWith(there);
    network.settle();
    const configured = here.speaker.peer(b);
    assert.ok(configured);
    here.speaker.control.disable(configured);
    network.advance(600);
    assert.equal(here.state(b), "Idle");
    here.speaker.control.enable(configured);
    network.advance(100);
    assert.equal(here.state(b), "Established");
  });

  test("stays so when its configuration changes", () => {
    const { node, configured } = session();
    node.speaker.control.disable(configured, "moved");
    const settings = peerSettings(b, { passive: true, holdTimeSeconds: 30 });
    assert.equal(node.speaker.updatePeer(settings), true);
    const now = node.speaker.peer(b);
    assert.equal(now?.settings.holdTimeSeconds, 30);
    assert.equal(now?.held?.text, 'disabled by the operator: "moved"');
    assert.equal(node.state(b), "Idle");
  });

  test("stays known although it came from a range, and is forgotten when enabled", () => {
    const node = new SpeakerNetwork().speaker(a);
    node.speaker.setRanges([peerRange("10.0.0.0/8")]);
    const peer = new ScriptedPeer(node, b);
    peer.establish();
    const dynamic = node.speaker.peer(b);
    assert.ok(dynamic);
    node.speaker.control.disable(dynamic);
    node.network.settle();
    peer.knock();
    assert.deepEqual(peer.notifications(), ["6/5"]);
    node.speaker.control.enable(dynamic);
    assert.equal(node.state(b), "gone");
    peer.establish();
  });
});

describe("a peer that its configuration disables", () => {
  test("stays down until it is enabled, or its configuration says otherwise", () => {
    const node = new SpeakerNetwork().speaker(a);
    const configured = node.speaker.addPeer(peerSettings(b, { passive: true, disabled: true }));
    const peer = new ScriptedPeer(node, b);
    peer.knock();
    assert.deepEqual(peer.notifications(), ["6/5"]);
    assert.equal(configured.held?.text, "disabled by the configuration");
    node.speaker.control.enable(configured);
    peer.establish();
    node.speaker.updatePeer(peerSettings(b, { passive: true, disabled: true }));
    assert.equal(node.state(b), "Established", "nothing has changed");
    node.speaker.updatePeer(peerSettings(b, { passive: true, disabled: true, holdTimeSeconds: 9 }));
    assert.equal(node.state(b), "Idle");
    node.speaker.updatePeer(peerSettings(b, { passive: true, disabled: false }));
    peer.establish();
  });
});

describe("a peer that is reset", () => {
  test("is told why, and comes back", () => {
    const { node, peer, configured } = session();
    node.speaker.control.reset(configured, "new certificate");
    node.network.settle();
    assert.deepEqual(told(peer), [6, 4, "new certificate"]);
    assert.match(configured.lastSessionDown?.reason.text ?? "", /reset by the operator: "new cert/);
    assert.equal(node.state(b), "Active");
    peer.establish();
  });

  test("and came from a range, is let in again", () => {
    const node = new SpeakerNetwork().speaker(a);
    node.speaker.setRanges([peerRange("10.0.0.0/8")]);
    const peer = new ScriptedPeer(node, b);
    peer.establish();
    const dynamic = node.speaker.peer(b);
    assert.ok(dynamic);
    node.speaker.control.reset(dynamic);
    node.network.settle();
    assert.equal(node.state(b), "gone");
    peer.establish();
  });

  test("while it is disabled, stays down", () => {
    const { node, configured } = session();
    node.speaker.control.disable(configured, "moved");
    assert.equal(
      node.speaker.control.reset(configured),
      'not reset, as it is held down: disabled by the operator: "moved"',
    );
    assert.equal(node.state(b), "Idle");
    assert.ok(configured.held);
  });
});

test("soft-in judges what there is by the policy in force, and asks for all of it again", () => {
  const { node, peer, configured } = session();
  peer.announce("10.1.0.0/24", "10.2.0.0/24");
  assert.equal(node.routes().length, 2);
  const settings = peerSettings(b, { passive: true, importPrefixes: [prefix("10.1.0.0/16")] });
  assert.equal(node.speaker.updatePeer(settings), false);
  node.network.settle();
  assert.equal(node.routes().length, 1);
  assert.equal(node.speaker.control.softIn(configured), undefined);
  node.network.settle();
  const last = peer.messages.at(-1);
  assert.deepEqual(last, { type: "ROUTE-REFRESH", routeRefresh: { afi: 1, safi: 1, subtype: 0 } });
  assert.equal(node.state(b), "Established");
});

test("soft-in and soft-out say what of them comes to nothing", () => {
  const node = new SpeakerNetwork().speaker(a);
  const configured = node.speaker.addPeer(peerSettings(b, { passive: true }));
  const { control } = node.speaker;
  assert.match(control.softIn(configured) ?? "", /it is not asked for them: there is no session$/);
  assert.match(control.softOut(configured) ?? "", /it is sent nothing: there is no session$/);
  const peer = new ScriptedPeer(node, b, {
    capabilities: [
      { name: "multiprotocol", afi: 1, safi: 1 },
      { name: "fourOctetAs", asn: 64512 },
    ],
  });
  peer.establish();
  const before = peer.messages.length;
  assert.match(
    control.softIn(configured) ?? "",
    /it is not asked for them: it did not offer .*RFC 2918/,
  );
  assert.equal(control.softOut(configured), undefined);
  node.network.settle();
  assert.equal(peer.messages.length, before);
});

test("soft-out sends all of it again", () => {
  const { node, peer, configured } = session();
  node.originate("10.244.1.0/24");
  node.network.settle();
  peer.view.routes.clear();
  node.speaker.control.softOut(configured);
  node.network.settle();
  assert.deepEqual([...peer.view.routes.keys()], ["10.244.1.0/24"]);
});
