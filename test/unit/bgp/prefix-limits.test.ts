import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import type { PrefixLimit } from "../../../src/bgp/prefix-limit.ts";
import {
  peerRange,
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const [a, b] = ["10.0.0.1", "10.0.0.2"] as const;

function limitOf(changes: Partial<PrefixLimit> = {}): PrefixLimit {
  return { limit: 10, warningPercent: 80, action: "stop", restartSeconds: 0, ...changes };
}

function settings(limit: Partial<PrefixLimit>): PeerSettings {
  return peerSettings(b, { passive: true, maximumPrefixes: limitOf(limit) });
}

function session(limit: Partial<PrefixLimit>): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  node.speaker.addPeer(settings(limit));
  const peer = new ScriptedPeer(node, b);
  peer.establish();
  return { node, peer };
}

/** `count` prefixes from the `from`th on. */
function prefixes(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => {
    const index = from + at;
    return `${20 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}.0/24`;
  });
}

function pathsOf(node: SpeakerNode): number {
  return node.speaker.ribs.get(ipv4Unicast.key)?.paths.size ?? 0;
}

/** What the observer was told of limits. */
function told(node: SpeakerNode): string[] {
  return node.events.filter((text) => text.startsWith("limit"));
}

describe("a peer with more prefixes than it may have", () => {
  test("is told so with AFI, SAFI and the limit, and loses its paths (RFC 4486 §4)", () => {
    const { node, peer } = session({ limit: 300 });
    peer.announce(...prefixes(300));
    assert.equal(node.state(b), "Established");
    assert.equal(node.routes().length, 300);
    peer.announce(...prefixes(1, 300));
    const last = peer.messages.at(-1);
    assert.ok(last?.type === "NOTIFICATION");
    const { code, subcode, data } = last.notification;
    assert.deepEqual([code, subcode, [...data]], [6, 1, [0, 1, 1, 0, 0, 1, 44]]);
    assert.deepEqual(node.routes(), []);
    assert.equal(pathsOf(node), 0);
    const configured = node.speaker.peer(b);
    assert.match(configured?.held?.text ?? "", /more than 300 prefixes .* until enabled/);
    assert.equal(configured?.prefixLimitsExceeded, 1);
    assert.deepEqual(told(node), ["limit near 300/300", "limit exceeded 301/300"]);
  });

  test("comes back when an operator says so, and not before", () => {
    const { node, peer } = session({});
    peer.announce(...prefixes(11));
    node.network.advance(4000);
    peer.knock();
    assert.deepEqual(peer.notifications(), ["6/5"]);
    const configured = node.speaker.peer(b);
    assert.ok(configured);
    node.speaker.control.enable(configured);
    peer.establish();
    peer.announce(...prefixes(10));
    assert.equal(node.routes().length, 10);
  });

  test("comes back when its time is over", () => {
    const { node, peer } = session({ restartSeconds: 60 });
    peer.announce(...prefixes(11));
    node.network.advance(59);
    assert.equal(node.state(b), "Idle");
    node.network.advance(1);
    assert.equal(node.speaker.peer(b)?.held, undefined);
    peer.establish();
  });

  test("comes back with a higher limit", () => {
    const { node, peer } = session({});
    peer.announce(...prefixes(11));
    assert.equal(node.speaker.updatePeer(settings({ limit: 20 })), false);
    peer.establish();
    peer.announce(...prefixes(11));
    assert.equal(node.routes().length, 11);
    node.speaker.updatePeer(settings({ limit: 5 }));
    node.network.settle();
    assert.deepEqual(peer.notifications(), ["6/1"], "the lower one holds at once");
  });

  test("and came from a range, is remembered for its time, then forgotten", () => {
    const node = new SpeakerNetwork().speaker(a);
    const maximumPrefixes = limitOf({ restartSeconds: 60 });
    node.speaker.setRanges([peerRange("10.0.0.0/8", { maximumPrefixes })]);
    const peer = new ScriptedPeer(node, b);
    peer.establish();
    peer.announce(...prefixes(11));
    peer.knock();
    assert.deepEqual(peer.notifications(), ["6/5"]);
    node.network.advance(60);
    assert.equal(node.state(b), "gone");
    peer.establish();
  });

  test("is only told of, if that is what is asked for", () => {
    const { node, peer } = session({ action: "warn" });
    peer.announce(...prefixes(50));
    assert.equal(node.routes().length, 50);
    assert.deepEqual(told(node), ["limit near 50/10", "limit exceeded 50/10"]);
  });

  test("is warned of once, and again after it had clearly fewer", () => {
    const { node, peer } = session({ limit: 100 });
    peer.announce(...prefixes(80));
    for (let round = 0; round < 5; round++) {
      peer.withdraw(...prefixes(2));
      peer.announce(...prefixes(2));
    }
    assert.equal(told(node).length, 1);
    peer.withdraw(...prefixes(10));
    peer.announce(...prefixes(10));
    assert.equal(told(node).length, 2);
  });
});

describe("a peer whose surplus is discarded", () => {
  test("keeps its session and what it has: changes and withdrawals of that count, what is new does not", () => {
    const { node, peer } = session({ action: "discard" });
    peer.announce(...prefixes(10));
    peer.announce(...prefixes(5, 10));
    assert.equal(node.routes().length, 10);
    peer.announceWith({ localPref: 200 }, ...prefixes(15));
    assert.equal(node.attributesOf(prefixes(1)[0] ?? "")?.localPref, 200);
    assert.equal(node.routes().length, 10);
    peer.withdraw(...prefixes(2));
    peer.withdraw(...prefixes(2, 13));
    peer.announce(...prefixes(2, 10));
    assert.equal(node.routes().length, 10);
    const configured = node.speaker.peer(b);
    assert.equal(configured?.prefixesDiscarded, 10);
    assert.deepEqual(told(node), ["limit near 10/10", "limit exceeded 10/10"]);
    assert.equal(node.state(b), "Established");
  });

  test("is asked for all of it again when it may have more", () => {
    const { node, peer } = session({ action: "discard" });
    peer.announce(...prefixes(12));
    const before = peer.messages.length;
    node.speaker.updatePeer(settings({ action: "discard", limit: 20 }));
    node.network.settle();
    assert.deepEqual(
      peer.messages.slice(before).map(({ type }) => type),
      ["ROUTE-REFRESH"],
    );
    peer.announce(...prefixes(12));
    assert.equal(node.routes().length, 12);
  });
});

const begin = 1;
const end = 2;

/** As `session`, with graceful restart and enhanced route refresh. */
function graceful(limit: Partial<PrefixLimit>): { node: SpeakerNode; peer: ScriptedPeer } {
  const node = new SpeakerNetwork().speaker(a);
  node.speaker.addPeer({ ...settings(limit), gracefulRestartSeconds: 60 });
  const families = [{ afi: 1, safi: 1, forwardingPreserved: true }];
  const capabilities: readonly Capability[] = [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "fourOctetAs", asn: 64512 },
    { name: "routeRefresh" },
    { name: "enhancedRouteRefresh" },
    {
      name: "gracefulRestart",
      ...{ restarted: true, notification: false, restartTimeSeconds: 60, families },
    },
  ];
  const peer = new ScriptedPeer(node, b, { capabilities });
  peer.establish();
  return { node, peer };
}

describe("paths that are stale", () => {
  for (const action of ["stop", "discard"] as const) {
    test(`do not count: a peer that comes back with others has all of them (${action})`, () => {
      const { node, peer } = graceful({ action });
      peer.announce(...prefixes(10));
      peer.endOfRib();
      peer.disconnect();
      peer.establish();
      peer.announce(...prefixes(10, 100));
      assert.equal(pathsOf(node), 20);
      peer.endOfRib();
      assert.equal(node.state(b), "Established");
      assert.equal(pathsOf(node), 10);
      assert.ok(node.routes().every((text) => !text.endsWith("~")));
      assert.equal(node.speaker.peer(b)?.prefixesDiscarded, 0);
      assert.deepEqual(told(node), ["limit near 10/10", "limit near 10/10"]);
    });

    test(`nor do they in a refresh (${action})`, () => {
      const { node, peer } = graceful({ action });
      peer.announce(...prefixes(10));
      peer.endOfRib();
      peer.routeRefresh(begin);
      peer.announce(...prefixes(10, 100));
      peer.routeRefresh(end);
      assert.equal(node.state(b), "Established");
      assert.equal(pathsOf(node), 10);
      assert.equal(node.speaker.peer(b)?.prefixesDiscarded, 0);
    });

    test(`count beyond as many as the limit: refreshes that never end gather none (${action})`, () => {
      const { node, peer } = graceful({ action });
      peer.endOfRib();
      for (let round = 0; round < 5 && peer.isUp; round++) {
        peer.routeRefresh(begin);
        peer.announce(...prefixes(10, 100 * round));
        assert.ok(pathsOf(node) <= 20, `${pathsOf(node)}`);
      }
      assert.equal(node.state(b), action === "stop" ? "Idle" : "Established");
    });
  }

  test("go where the peer announces them again beyond its limit", () => {
    const { node, peer } = graceful({ action: "discard" });
    peer.announce(...prefixes(10));
    peer.endOfRib();
    peer.disconnect();
    peer.establish();
    peer.announce(...prefixes(9, 100));
    peer.announceWith({ localPref: 7 }, ...prefixes(2));
    assert.equal(pathsOf(node), 18);
    assert.equal(node.attributesOf(prefixes(1)[0] ?? "")?.localPref, 7);
    assert.equal(node.attributesOf(prefixes(1, 1)[0] ?? ""), undefined);
    assert.equal(node.speaker.peer(b)?.prefixesDiscarded, 1);
  });
});

describe("a peer that has fewer prefixes again after some were discarded", () => {
  const asked = (peer: ScriptedPeer): number =>
    peer.messages.filter(({ type }) => type === "ROUTE-REFRESH").length;

  test("is asked for them once, however many go", () => {
    const { node, peer } = session({ action: "discard" });
    peer.announce(...prefixes(12));
    node.network.advance(60);
    assert.equal(asked(peer), 0, "there is no room");
    peer.withdraw(...prefixes(1));
    peer.withdraw(...prefixes(1, 1));
    node.network.advance(29);
    assert.equal(asked(peer), 0);
    node.network.advance(1);
    assert.equal(asked(peer), 1);
    peer.announce(...prefixes(10, 2));
    assert.equal(node.routes().length, 10);
    peer.withdraw(...prefixes(5));
    node.network.advance(60);
    assert.equal(asked(peer), 1, "nothing is missing any more");
  });

  test("and announces others meanwhile, is not asked before there is room", () => {
    const { node, peer } = session({ action: "discard" });
    peer.announce(...prefixes(12));
    peer.withdraw(...prefixes(1));
    peer.announce(...prefixes(1, 20));
    node.network.advance(60);
    assert.equal(asked(peer), 0);
    peer.withdraw(...prefixes(1, 20));
    node.network.advance(30);
    assert.equal(asked(peer), 1);
  });

  test("is asked every half minute at most, though its routes come and go", () => {
    const { node, peer } = session({ action: "discard" });
    for (let second = 0; second < 90; second++) {
      peer.announce(...prefixes(12));
      peer.withdraw(...prefixes(12));
      node.network.advance(1);
    }
    assert.ok(asked(peer) >= 2 && asked(peer) <= 3, `${asked(peer)}`);
  });

  test("and is sending them again, is not asked before it is through", () => {
    const { node, peer } = graceful({ action: "discard" });
    peer.announce(...prefixes(12));
    peer.endOfRib();
    const before = asked(peer);
    peer.routeRefresh(begin);
    peer.announce(...prefixes(5));
    node.network.advance(60);
    assert.equal(asked(peer), before);
    peer.announce(...prefixes(7, 5));
    peer.routeRefresh(end);
    node.network.advance(60);
    assert.equal(asked(peer), before, "it is full");
    assert.equal(pathsOf(node), 10);
  });

  test("and cannot be asked, is left alone", () => {
    const node = new SpeakerNetwork().speaker(a);
    node.speaker.addPeer(settings({ action: "discard" }));
    const peer = new ScriptedPeer(node, b, {
      capabilities: [
        { name: "multiprotocol", afi: 1, safi: 1 },
        { name: "fourOctetAs", asn: 64512 },
      ],
    });
    peer.establish();
    peer.announce(...prefixes(12));
    peer.withdraw(...prefixes(5));
    node.network.advance(60);
    assert.equal(asked(peer), 0);
    assert.equal(node.state(b), "Established");
  });
});

describe("a million prefixes against a maximum of 10,000", () => {
  for (const action of ["stop", "discard"] as const) {
    test(`${action}: the tables never hold more than the limit and one UPDATE`, () => {
      const { node, peer } = session({ limit: 10_000, action });
      let largest = 0;
      for (let from = 0; from < 1_000_000 && peer.isUp; from += 50_000) {
        peer.announce(...prefixes(50_000, from));
        largest = Math.max(largest, pathsOf(node));
      }
      const rib = node.speaker.ribs.get(ipv4Unicast.key);
      assert.ok(largest <= 10_000, `${largest} paths`);
      assert.ok((rib?.prefixes.size ?? 0) <= 10_000 + 1024, `${rib?.prefixes.size} prefixes`);
      if (action === "stop") {
        assert.deepEqual(peer.notifications(), ["6/1"]);
        assert.equal(pathsOf(node), 0);
      } else {
        assert.equal(node.speaker.peer(b)?.prefixesDiscarded, 990_000);
        assert.equal(node.state(b), "Established");
      }
    });
  }
});
