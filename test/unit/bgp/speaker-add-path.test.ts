import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { codec } from "../../support/peer-view.ts";
import {
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const a = "10.0.0.1";
const b = "10.0.0.2";
const prefix = "10.244.1.0/24";

function capabilities(receive: boolean, send: boolean): readonly Capability[] {
  return [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "fourOctetAs", asn: 64512 },
    { name: "addPath", families: [{ afi: 1, safi: 1, receive, send }] },
  ];
}

/** A peer that offers to send several paths to a prefix; the node takes them, if it is told to. */
function sender(receive: boolean): { node: SpeakerNode; peer: ScriptedPeer } {
  const network = new SpeakerNetwork();
  const node = network.speaker(a);
  node.speaker.addPeer(peerSettings(b, { passive: true, addPath: { receive } }));
  const peer = new ScriptedPeer(node, b);
  if (receive) peer.context = codec({ addPathSend: new Set([ipv4Unicast.key]) });
  peer.establish({ capabilities: capabilities(false, true) });
  return { node, peer };
}

function announce(peer: ScriptedPeer, pathId: number, nextHop: string, localPref: number): void {
  peer.update({
    announced: [{ prefix, pathId }],
    attributes: { origin: 0, asPath: [], nextHop, localPref },
  });
}

/** Identifiers of all paths held to the prefix. */
function pathIds({ speaker }: SpeakerNode): number[] {
  const { paths } = speaker.ribs.get(ipv4Unicast.key) ?? assert.fail();
  const ids: number[] = [];
  for (let row = paths.first(0); row >= 0; row = paths.next(row)) ids.push(paths.pathId(row));
  return ids.sort((one, other) => one - other);
}

describe("several paths from a peer (RFC 7911)", () => {
  test("are held side by side, replaced and withdrawn by identifier, 0 and 4294967295 among them", () => {
    const { node, peer } = sender(true);
    announce(peer, 0, "192.0.2.1", 100);
    announce(peer, 0xffff_ffff, "192.0.2.2", 300);
    announce(peer, 7, "192.0.2.3", 200);
    assert.deepEqual(pathIds(node), [0, 7, 0xffff_ffff]);
    assert.deepEqual(node.routes(), [`${prefix} via 192.0.2.2 from ${b}`]);
    announce(peer, 0xffff_ffff, "192.0.2.2", 50);
    assert.deepEqual(node.routes(), [`${prefix} via 192.0.2.3 from ${b}`]);
    peer.update({ withdrawn: [{ prefix, pathId: 7 }] });
    assert.deepEqual(pathIds(node), [0, 0xffff_ffff]);
    assert.deepEqual(node.routes(), [`${prefix} via 192.0.2.1 from ${b}`]);
    peer.update({ withdrawn: [{ prefix, pathId: 8 }] });
    assert.deepEqual(pathIds(node), [0, 0xffff_ffff]);
    peer.disconnect();
    assert.deepEqual(node.routes(), []);
  });

  test("are not in force unless we offer to take them", () => {
    const { node, peer } = sender(false);
    const negotiated = node.speaker.peer(b)?.negotiated;
    assert.deepEqual(negotiated?.codec.addPathReceive, new Set());
    assert.ok(!negotiated?.localCapabilities.some(({ name }) => name === "addPath"));
    peer.announce(prefix);
    assert.deepEqual(node.routes(), [`${prefix} via ${b} from ${b}`]);
  });

  test("are each counted by the limit on prefixes", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    const maximumPrefixes = { limit: 2, warningPercent: 80, action: "discard", restartSeconds: 0 };
    node.speaker.addPeer(
      peerSettings(b, {
        passive: true,
        addPath: { receive: true },
        maximumPrefixes: { ...maximumPrefixes, action: "discard" },
      }),
    );
    const peer = new ScriptedPeer(node, b);
    peer.context = codec({ addPathSend: new Set([ipv4Unicast.key]) });
    peer.establish({ capabilities: capabilities(false, true) });
    for (const id of [1, 2, 3]) announce(peer, id, `192.0.2.${id}`, 100);
    assert.deepEqual(pathIds(node), [1, 2]);
  });
});
