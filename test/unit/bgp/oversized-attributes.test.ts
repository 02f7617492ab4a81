/** Attributes that fit the message they came in, and no message once AS numbers take four octets or a policy has added to them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { codec } from "../../support/peer-view.ts";
import {
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;
const ipv4 = { afi: 1, safi: 1 } as const;
const route = "10.9.0.0/24";
const nlri = [24, 10, 9, 0];

const extended: readonly Capability[] = [
  { name: "multiprotocol", ...ipv4 },
  { name: "routeRefresh" },
  { name: "extendedMessage" },
];

const inTwoOctets = codec({ fourOctetAs: false, maximumMessageOctets: 65_535 });
const inFourOctets = codec({ maximumMessageOctets: 65_535 });

/** An attribute with a length of two octets. */
function attribute(flags: number, code: number, value: readonly number[]): number[] {
  return [flags | 0x10, code, value.length >>> 8, value.length & 0xff, ...value];
}

/** So many full segments of AS 65001, in two octets each: 512 octets a segment. */
function asPath(segments: number): number[] {
  const segment = [2, 255, ...Array.from({ length: 255 }, () => [0xfd, 0xe9]).flat()];
  return attribute(0x40, 2, Array.from({ length: segments }, () => segment).flat());
}

/** An UPDATE of `route` by an internal peer. */
function update(path: readonly number[], more: readonly number[] = []): Uint8Array {
  const attributes = [
    ...[0x40, 1, 1, 0],
    ...path,
    ...[0x40, 3, 4, 10, 0, 0, 2],
    ...[0x40, 5, 4, 0, 0, 0, 100],
    ...more,
  ];
  const { length } = attributes;
  return Uint8Array.of(0, 0, length >>> 8, length & 0xff, ...attributes, ...nlri);
}

/** 65,024 octets that are 129,794 in four octets each. */
const longest = update(asPath(127));

function session(
  changes: Partial<PeerSettings> = {},
  capabilities: readonly Capability[] = extended,
): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  node.speaker.addPeer(peerSettings(b, { passive: true, client: true, ...changes }));
  const peer = new ScriptedPeer(node, b, { capabilities });
  peer.context = inTwoOctets;
  peer.establish();
  return { node, peer };
}

function offences({ speaker }: SpeakerNode): Record<string, number> {
  return Object.fromEntries(speaker.offences.totals);
}

const used = `${route} via ${b} from ${b}`;

describe("an AS_PATH of 65,000 octets from a peer of 2-octet AS numbers", () => {
  test("is used, and withdraws the route from those who would have to be told it in four", () => {
    const { node, peer } = session();
    node.speaker.addPeer(peerSettings(c, { passive: true, client: true }));
    const reader = new ScriptedPeer(node, c, {
      capabilities: [...extended, { name: "fourOctetAs", asn: 64_512 }],
    });
    reader.context = inFourOctets;
    reader.establish();
    peer.announce(route);
    assert.deepEqual([...reader.view.routes.keys()], [route]);
    peer.sendBody(longest);
    assert.deepEqual([...reader.view.routes.keys()], []);
    assert.deepEqual(node.routes(), [used]);
    peer.announce(route);
    assert.deepEqual([...reader.view.routes.keys()], [route]);
    assert.deepEqual([node.state(b), node.state(c)], ["Established", "Established"]);
  });

  test("is refused where a rule would write it anew, and taken once there is none", () => {
    const { node, peer } = session({ importLocalPref: 200 });
    peer.announce(route);
    assert.deepEqual(node.routes(), [used]);
    peer.sendBody(longest);
    assert.deepEqual(node.routes(), []);
    assert.equal(offences(node)["oversized-attributes"], 1);
    const plain = peerSettings(b, { passive: true, client: true });
    node.speaker.updatePeer(plain);
    node.network.settle();
    assert.deepEqual(node.routes(), [used]);
    node.speaker.updatePeer({ ...plain, importMed: 7 });
    node.network.settle();
    assert.deepEqual(node.routes(), []);
    assert.equal(node.state(b), "Established");
  });

  test("does not outlast the restart time, as LLGR_STALE has no room", () => {
    const families = [{ ...ipv4, forwardingPreserved: true }];
    const { node, peer } = session({ gracefulRestartSeconds: 120, longLivedStaleSeconds: 60 }, [
      ...extended,
      {
        name: "gracefulRestart",
        ...{ restarted: false, notification: false, restartTimeSeconds: 10, families },
      },
      {
        name: "longLivedGracefulRestart",
        families: [{ ...ipv4, forwardingPreserved: true, staleTimeSeconds: 60 }],
      },
    ]);
    peer.sendBody(longest);
    peer.announce("10.8.0.0/24");
    const other = `10.8.0.0/24 via ${b} from ${b}`;
    peer.disconnect();
    assert.deepEqual(node.routes(), [`${other} ~`, `${used} ~`]);
    node.network.advance(10);
    assert.deepEqual(node.routes(), [`${other} ~~`]);
  });
});

describe("attributes that grow beyond what a block can have, though none beyond what an attribute can", () => {
  const unknown = attribute(
    0xc0,
    99,
    Array.from({ length: 30_000 }, () => 0x5a),
  );
  const grown = update(asPath(58), unknown);

  test("are used as they came", () => {
    const { node, peer } = session();
    peer.sendBody(grown);
    assert.deepEqual(node.routes(), [used]);
    assert.equal(node.attributesOf(route)?.asPath?.length, 58);
  });

  test("are refused where a rule would write them anew", () => {
    const { node, peer } = session({ importLocalPref: 200 });
    peer.sendBody(grown);
    assert.deepEqual(node.routes(), []);
    assert.equal(offences(node)["oversized-attributes"], 1);
    assert.equal(node.state(b), "Established");
  });
});

describe("communities of 64 KiB", () => {
  const communities = Array.from({ length: 16_384 }, (_, index) => index + 1);

  test("that the import policy adds, refuse the route", () => {
    const { node, peer } = session({ importCommunities: communities });
    peer.announce(route);
    assert.deepEqual(node.routes(), []);
    assert.deepEqual(offences(node), { "oversized-attributes": 1 });
  });

  test("that the export policy adds, leave it unsaid", () => {
    const { node, peer } = session({ exportCommunities: communities });
    node.originate(route);
    node.network.settle();
    assert.deepEqual([...peer.view.routes.keys()], []);
    assert.equal(node.state(b), "Established");
  });

  test("of a route of our own, leave it out", () => {
    const { node } = session();
    const [left, right] = [prefix(route), prefix("10.8.0.0/24")];
    node.speaker.originate([], [{ prefix: left, attributes: { communities } }, { prefix: right }]);
    node.network.settle();
    assert.deepEqual(node.routes(), [`${right.text} via ${a} from local`]);
  });
});
