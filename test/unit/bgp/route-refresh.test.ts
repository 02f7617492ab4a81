import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../../src/bgp/message/route-refresh.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import {
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b] = ["10.0.0.1", "10.0.0.2"] as const;
const [request, begin, end] = [0, 1, 2] as const;
const own = ["10.244.1.0/24", "10.244.5.0/24"];

const plain: readonly Capability[] = [
  { name: "multiprotocol", afi: 1, safi: 1 },
  { name: "fourOctetAs", asn: 64512 },
  { name: "routeRefresh" },
];
const enhanced: readonly Capability[] = [...plain, { name: "enhancedRouteRefresh" }];

function session(
  capabilities: readonly Capability[],
  changes: Partial<PeerSettings> = {},
): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  node.originate(...own);
  node.speaker.addPeer(peerSettings(b, { passive: true, ...changes }));
  const peer = new ScriptedPeer(node, b, { capabilities });
  peer.establish();
  return { node, peer };
}

/** Types of the messages that a peer was sent from the `from`th on; `ROUTE-REFRESH n` with the subtype. */
function sent(peer: ScriptedPeer, from = 0): string[] {
  return peer.messages
    .slice(from)
    .map((message) =>
      message.type === "ROUTE-REFRESH"
        ? `ROUTE-REFRESH ${message.routeRefresh.subtype}`
        : message.type,
    );
}

describe("a peer that asks for its routes again", () => {
  test("has the whole table sent again, without another End-of-RIB", () => {
    const { node, peer } = session(plain);
    assert.equal(peer.view.routes.size, 2);
    peer.view.routes.clear();
    peer.routeRefresh(request);
    assert.equal(peer.view.routes.size, 2);
    assert.deepEqual(peer.view.endOfRibs, [ipv4Unicast.key]);
    assert.equal(node.state(b), "Established");
  });

  test("is told where the answer begins and ends, if it understands that (RFC 7313)", () => {
    const { peer } = session(enhanced);
    const before = peer.messages.length;
    peer.routeRefresh(request);
    assert.deepEqual(sent(peer, before), ["ROUTE-REFRESH 1", "UPDATE", "ROUTE-REFRESH 2"]);
    assert.deepEqual([...peer.view.routes.keys()].sort(), own);
    assert.deepEqual(peer.view.endOfRibs, [ipv4Unicast.key]);
  });

  test("before its End-of-RIB came, has that first", () => {
    const { peer } = session(enhanced);
    peer.disconnect();
    peer.connect();
    const asked = encodeRouteRefresh({ afi: 1, safi: 1, subtype: request });
    peer.send(Buffer.concat([encodeOpen(peer.open), encodeKeepalive(), asked]));
    assert.deepEqual(sent(peer), [
      ...["OPEN", "KEEPALIVE"],
      ...["UPDATE", "UPDATE"], // the table and End-of-RIB
      ...["ROUTE-REFRESH 1", "UPDATE", "ROUTE-REFRESH 2"],
    ]);
    assert.deepEqual([...peer.view.routes.keys()].sort(), own);
  });

  test("of a family that is not in force, gets nothing", () => {
    const { node, peer } = session(enhanced);
    const before = peer.messages.length;
    for (const subtype of [request, begin, end]) peer.routeRefresh(subtype, 2);
    peer.routeRefresh(77);
    assert.equal(peer.messages.length, before);
    assert.equal(node.state(b), "Established");
  });

  test("in a message of the wrong length, gets NOTIFICATION 7/1 with the message (RFC 7313 §5)", () => {
    const { peer } = session(enhanced);
    const message = new Uint8Array(24).fill(0xff, 0, 16);
    message.set([0, 24, 5, 0, 1, 1, 1, 0], 16);
    peer.send(message);
    const last = peer.messages.at(-1);
    assert.ok(last?.type === "NOTIFICATION");
    const { code, subcode, data } = last.notification;
    assert.deepEqual([code, subcode, [...data]], [7, 1, [...message]]);
  });
});

describe("a peer that sends its routes again", () => {
  test("loses what it did not announce between BoRR and EoRR, and nothing before", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24", "10.2.0.0/24");
    peer.routeRefresh(begin);
    peer.announce("10.1.0.0/24", "10.3.0.0/24");
    const route = (text: string): string => `${text} via ${b} from ${b}`;
    const ours = own.map((text) => `${text} via ${a} from local`);
    assert.deepEqual(node.routes(), [
      route("10.1.0.0/24"),
      `${route("10.2.0.0/24")} ~`,
      ...ours,
      route("10.3.0.0/24"),
    ]);
    peer.routeRefresh(end);
    assert.deepEqual(node.routes(), [route("10.1.0.0/24"), ...ours, route("10.3.0.0/24")]);
  });

  test("and begins anew halfway, has all of it to announce again", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24", "10.2.0.0/24");
    peer.routeRefresh(begin);
    peer.announce("10.1.0.0/24");
    peer.routeRefresh(begin);
    peer.announce("10.2.0.0/24");
    peer.routeRefresh(end);
    assert.equal(node.routes().filter((text) => text.startsWith("10.1.")).length, 0);
    assert.equal(node.routes().filter((text) => text.startsWith("10.2.0")).length, 1);
  });

  test("and says EoRR alone, loses nothing", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24");
    peer.routeRefresh(end);
    assert.equal(node.routes().length, 3);
  });

  test("without having offered RFC 7313, loses nothing by it", () => {
    const { node, peer } = session(plain);
    peer.announce("10.1.0.0/24");
    peer.routeRefresh(begin);
    peer.routeRefresh(end);
    assert.equal(node.routes().length, 3);
  });

  test("and never ends, loses what is stale after six minutes", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24", "10.2.0.0/24");
    peer.routeRefresh(begin);
    peer.announce("10.1.0.0/24");
    node.network.advance(359);
    assert.equal(node.routes().length, 4);
    node.network.advance(1);
    assert.equal(node.routes().length, 3);
  });

  test("and begins again and again, has the six minutes once", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24", "10.2.0.0/24");
    for (let begun = 0; begun < 3; begun++) {
      peer.routeRefresh(begin);
      node.network.advance(100);
    }
    peer.announce("10.1.0.0/24");
    node.network.advance(59);
    assert.equal(node.routes().length, 4);
    node.network.advance(1);
    assert.equal(node.routes().length, 3);
  });

  test("has six minutes for each family", () => {
    const families = [ipv4Unicast, ipv6Unicast];
    const both = [...enhanced, { name: "multiprotocol", afi: 2, safi: 1 } as const];
    const { node, peer } = session(both, { families });
    const in6 = { afi: 2, safi: 1, nlri: [{ prefix: "2001:db8:1::/48" }], nextHop: "2001:db8::2" };
    peer.announce("10.1.0.0/24");
    peer.update({ attributes: { origin: 0, asPath: [], localPref: 100 }, mpReach: in6 });
    const held = (): (number | undefined)[] =>
      families.map(({ key }) => node.speaker.ribs.get(key)?.paths.count(1));
    assert.deepEqual(held(), [1, 1]);
    peer.routeRefresh(begin);
    node.network.advance(300);
    peer.routeRefresh(begin, 2);
    node.network.advance(60);
    assert.deepEqual(held(), [0, 1]);
    node.network.advance(299);
    assert.deepEqual(held(), [0, 1]);
    node.network.advance(1);
    assert.deepEqual(held(), [0, 0]);
  });

  test("that has graceful restart, before its End-of-RIB, has not begun (RFC 7313 §4)", () => {
    const families = [{ afi: 1, safi: 1, forwardingPreserved: true }];
    const { node, peer } = session([
      ...enhanced,
      {
        name: "gracefulRestart",
        ...{ restarted: false, notification: false, restartTimeSeconds: 60, families },
      },
    ]);
    peer.announce("10.1.0.0/24");
    peer.routeRefresh(begin);
    peer.routeRefresh(end);
    assert.equal(node.routes().length, 3);
    peer.endOfRib();
    peer.routeRefresh(begin);
    peer.routeRefresh(end);
    assert.equal(node.routes().length, 2);
  });

  test("and is lost meanwhile, leaves no timer behind", () => {
    const { node, peer } = session(enhanced);
    peer.announce("10.1.0.0/24");
    peer.routeRefresh(begin);
    assert.ok([...node.timers.keys()].some((key) => key.startsWith("refreshTimer")));
    peer.disconnect();
    assert.ok(![...node.timers.keys()].some((key) => key.startsWith("refreshTimer")));
    assert.equal(node.routes().length, 2);
  });
});
