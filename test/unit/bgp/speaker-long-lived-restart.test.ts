import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { encodeNotification } from "../../../src/bgp/message/notification.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { describePathReason } from "../../../src/bgp/rib/path-reason.ts";
import { WellKnownCommunity } from "../../../src/net/community.ts";
import {
  peerRange,
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const { llgrStale, noLlgr, noExport } = WellKnownCommunity;

const a = "10.0.0.1";
const b = "10.0.0.2";
const c = "10.0.0.3";
const knowingAddress = "10.0.0.8";
const ignorantAddress = "10.0.0.9";
const first = "10.244.1.0/24";
const second = "10.244.2.0/24";

interface Offer {
  readonly restartTimeSeconds?: number;
  readonly forwardingPreserved?: boolean;
  /** `undefined`: no capability. */
  readonly staleTimeSeconds?: number | undefined;
  readonly longLivedForwardingPreserved?: boolean;
  /** Graceful restart's capability names the family. */
  readonly isListed?: boolean;
}

function capabilities(offer: Offer = {}): readonly Capability[] {
  const { restartTimeSeconds = 60, forwardingPreserved = true, isListed = true } = offer;
  const { longLivedForwardingPreserved = forwardingPreserved } = offer;
  const staleTimeSeconds = "staleTimeSeconds" in offer ? offer.staleTimeSeconds : 1000;
  const ipv4 = { afi: 1, safi: 1 };
  return [
    { name: "multiprotocol", ...ipv4 },
    { name: "fourOctetAs", asn: 64512 },
    {
      name: "gracefulRestart",
      restarted: false,
      notification: false,
      restartTimeSeconds,
      families: isListed ? [{ ...ipv4, forwardingPreserved }] : [],
    },
    ...(staleTimeSeconds === undefined
      ? []
      : [longLived(staleTimeSeconds, longLivedForwardingPreserved)]),
  ];
}

function longLived(staleTimeSeconds: number, forwardingPreserved = true): Capability {
  const families = [{ afi: 1, safi: 1, forwardingPreserved, staleTimeSeconds }];
  return { name: "longLivedGracefulRestart", families };
}

interface Scene {
  readonly network: SpeakerNetwork;
  readonly node: SpeakerNode;
  readonly peer: ScriptedPeer;
  /** Is sent what `node` selects, and knows what LLGR_STALE means. */
  readonly knowing: ScriptedPeer;
  /** Does not. */
  readonly ignorant: ScriptedPeer;
}

/** A node with a peer that wants its paths kept for long, and that has announced two prefixes. */
function scene(
  offer: Offer = {},
  changes: Partial<PeerSettings> = {},
  ofWatchers: Partial<PeerSettings> = {},
): Scene {
  const network = new SpeakerNetwork();
  const node = network.speaker(a);
  const offered = { passive: true, client: true, longLivedStaleSeconds: 0 };
  const graceful = { ...offered, gracefulRestartSeconds: 60 };
  node.speaker.addPeer(peerSettings(b, { ...graceful, ...changes }));
  const watch = (address: string): ScriptedPeer => {
    node.speaker.addPeer(peerSettings(address, { ...offered, ...ofWatchers }));
    return new ScriptedPeer(node, address);
  };
  const knowing = watch(knowingAddress);
  knowing.establish({ capabilities: capabilities({ staleTimeSeconds: 0 }) });
  const ignorant = watch(ignorantAddress);
  ignorant.establish();
  const peer = new ScriptedPeer(node, b);
  peer.establish({ capabilities: capabilities(offer) });
  peer.announce(first, second);
  peer.endOfRib();
  return { network, node, peer, knowing, ignorant };
}

const fresh = [first, second].map((prefix) => `${prefix} via ${b} from ${b}`);
const stale = fresh.map((route) => `${route} ~`);
const lastResort = fresh.map((route) => `${route} ~~`);

function communitiesOf(watcher: ScriptedPeer, prefix: string): readonly number[] | undefined {
  return watcher.view.routes.get(prefix)?.communities;
}

/** Names of the reasons of all paths to a prefix, by peer. */
function reasons({ speaker }: SpeakerNode, text: string): Record<string, string> {
  const rib = speaker.ribs.get(ipv4Unicast.key);
  assert.ok(rib !== undefined);
  const found: Record<string, string> = {};
  for (const peer of speaker.peers()) {
    for (const row of rib.paths.rowsOf(peer.index)) {
      if (rib.prefixes.text(rib.paths.prefix(row)) !== text) continue;
      found[peer.address] = describePathReason(rib.paths.reason(row)).name;
    }
  }
  return found;
}

describe("a peer that wants its paths kept for long (RFC 9494)", () => {
  test("has them kept as they are in its restart time, then as a last resort, then not any more", () => {
    const { network, node, peer, knowing, ignorant } = scene();
    peer.disconnect();
    network.advance(59);
    assert.deepEqual(node.routes(), stale);
    assert.equal(communitiesOf(knowing, first), undefined);
    assert.equal(ignorant.view.routes.size, 2);
    network.advance(2);
    assert.deepEqual(node.routes(), lastResort);
    assert.deepEqual(node.attributesOf(first)?.communities, [llgrStale]);
    assert.deepEqual(communitiesOf(knowing, first), [llgrStale]);
    assert.equal(ignorant.view.routes.size, 0, "withdrawn from who does not know the community");
    network.advance(997);
    assert.deepEqual(node.routes(), lastResort);
    network.advance(4);
    assert.deepEqual(node.routes(), []);
    assert.equal(knowing.view.routes.size, 0);
    assert.equal(node.speaker.attributes.size, 0);
    assert.equal(node.timers.size, 2 * 3, "hold, send hold and keepalive of two peers");
  });

  test("that comes back replaces what it announces again, and loses the rest at End-of-RIB", () => {
    const { network, node, peer, knowing, ignorant } = scene();
    peer.disconnect();
    network.advance(70);
    peer.establish();
    assert.deepEqual(node.routes(), lastResort);
    peer.announce(first);
    assert.deepEqual(node.routes(), [fresh[0], lastResort[1]]);
    assert.equal(communitiesOf(knowing, first), undefined);
    assert.deepEqual([...ignorant.view.routes.keys()], [first]);
    peer.endOfRib();
    assert.deepEqual(node.routes(), [fresh[0]]);
    network.advance(2000);
    assert.deepEqual(node.routes(), [fresh[0]]);
    assert.equal(node.state(b), "Established");
  });

  test("that comes back in its restart time has lost nothing to anybody", () => {
    const { network, node, peer, ignorant } = scene();
    peer.disconnect();
    network.advance(30);
    peer.establish();
    peer.announce(first, second);
    peer.endOfRib();
    network.advance(1000);
    assert.deepEqual(node.routes(), fresh);
    assert.deepEqual([...ignorant.view.routes.keys()], [first, second]);
    assert.deepEqual(node.lost, []);
  });

  test("that has lost its forwarding meanwhile loses its paths when it is back", () => {
    for (const offer of [
      { longLivedForwardingPreserved: false },
      { staleTimeSeconds: undefined },
    ]) {
      const { network, node, peer } = scene();
      peer.disconnect();
      network.advance(70);
      peer.establish({ capabilities: capabilities(offer) });
      assert.deepEqual(node.routes(), []);
    }
  });

  test("before the restart time is over has its word on forwarding taken from graceful restart", () => {
    const { network, node, peer } = scene();
    peer.disconnect();
    network.advance(30);
    const offer = { forwardingPreserved: true, longLivedForwardingPreserved: false };
    peer.establish({ capabilities: capabilities(offer) });
    assert.deepEqual(node.routes(), stale);
    peer.disconnect();
    peer.establish({
      capabilities: capabilities({
        forwardingPreserved: false,
        longLivedForwardingPreserved: false,
      }),
    });
    assert.deepEqual(node.routes(), []);
  });

  test("loses what has NO_LLGR when its restart time is over", () => {
    const { network, node, peer } = scene();
    peer.announceWith({ communities: [7, noLlgr] }, second);
    peer.disconnect();
    network.advance(59);
    assert.deepEqual(node.routes(), stale);
    network.advance(2);
    assert.deepEqual(node.routes(), [lastResort[0]]);
  });

  test("has nothing waited for once all it had had NO_LLGR", () => {
    const { network, node, peer } = scene();
    peer.announceWith({ communities: [noLlgr] }, first, second);
    peer.disconnect();
    network.advance(61);
    assert.deepEqual(node.routes(), []);
    assert.equal(node.speaker.peer(b)?.staleFamilies.size, 0);
    assert.ok(![...node.timers.keys()].some((key) => key.startsWith("longLived")));
  });

  test("has NO_LLGR heeded that our own policy attaches, and other communities kept", () => {
    const { network, node, peer } = scene({}, { importCommunities: [9] });
    peer.disconnect();
    network.advance(61);
    assert.deepEqual(node.attributesOf(first)?.communities, [9, llgrStale]);
    // A policy that changes meanwhile is put in force on what is kept.
    const settings = node.speaker.peer(b)?.settings;
    assert.ok(settings !== undefined);
    node.speaker.updatePeer({ ...settings, importCommunities: [10] });
    network.settle();
    assert.deepEqual(node.attributesOf(first)?.communities, [10, llgrStale]);
    assert.deepEqual(node.routes(), lastResort);
    node.speaker.updatePeer({ ...settings, importCommunities: [noLlgr] });
    network.settle();
    assert.deepEqual(node.routes(), []);
    assert.equal(node.speaker.attributes.size, 0);
  });

  test("without a restart time has its paths made a last resort at once", () => {
    for (const offer of [{ restartTimeSeconds: 0 }, { isListed: false }]) {
      const { network, node, peer } = scene(offer);
      peer.disconnect();
      assert.deepEqual(node.routes(), lastResort);
      network.advance(998);
      assert.deepEqual(node.routes(), lastResort);
      peer.establish();
      assert.deepEqual(node.routes(), lastResort);
      peer.announce(first);
      peer.endOfRib();
      assert.deepEqual(node.routes(), [fresh[0]]);
    }
  });

  test("that asks for no long time is one of graceful restart alone", () => {
    const { network, node, peer } = scene({ staleTimeSeconds: 0 });
    peer.disconnect();
    network.advance(61);
    assert.deepEqual(node.routes(), []);
  });

  test("is granted no more than our own bound", () => {
    const { network, node, peer } = scene({}, { longLivedStaleMaximumSeconds: 100 });
    peer.disconnect();
    network.advance(159);
    assert.deepEqual(node.routes(), lastResort);
    network.advance(3);
    assert.deepEqual(node.routes(), []);
    const other = scene({}, { longLivedStaleMaximumSeconds: 0 });
    other.peer.disconnect();
    other.network.advance(61);
    assert.deepEqual(other.node.routes(), []);
  });

  test("loses its paths at a NOTIFICATION, as ever", () => {
    const { network, node, peer } = scene();
    peer.send(encodeNotification({ code: 6, subcode: 2, data: new Uint8Array(0) }));
    assert.deepEqual(node.routes(), []);
    network.advance(61);
    assert.deepEqual(node.routes(), []);
  });

  test("that we offered nothing, or that offers no graceful restart beside it, has nothing kept for long", () => {
    const unasked = scene({}, { longLivedStaleSeconds: undefined });
    unasked.peer.disconnect();
    unasked.network.advance(61);
    assert.deepEqual(unasked.node.routes(), []);
    const { node, peer } = scene();
    const alone = capabilities().filter(({ name }) => name !== "gracefulRestart");
    peer.disconnect();
    peer.establish({ capabilities: alone });
    assert.equal(node.speaker.peer(b)?.negotiated?.longLivedGracefulRestart, undefined);
    peer.announce(first);
    peer.disconnect();
    assert.deepEqual(node.routes(), []);
  });

  test("that breaks off again before it was whole has all kept, for the time of the first loss", () => {
    const { network, node, peer } = scene({ staleTimeSeconds: 200 });
    peer.disconnect();
    network.advance(60 + 100);
    assert.deepEqual(node.routes(), lastResort);
    // Back, with half of what it had and another offer, and off again.
    peer.establish({ capabilities: capabilities({ staleTimeSeconds: 5000 }) });
    peer.announce(first);
    peer.disconnect();
    assert.deepEqual(node.routes(), [stale[0], lastResort[1]]);
    network.advance(61);
    assert.deepEqual(node.routes(), lastResort);
    network.advance(36);
    assert.deepEqual(node.routes(), lastResort);
    network.advance(5);
    assert.deepEqual(node.routes(), [], "200 s after they became a last resort");
  });

  test("that breaks off again in its restart time has what was stale already made a last resort", () => {
    const { network, node, peer } = scene();
    peer.disconnect();
    peer.establish();
    peer.announce(first);
    peer.disconnect();
    assert.deepEqual(node.routes(), [stale[0], lastResort[1]]);
    network.advance(61);
    assert.deepEqual(node.routes(), lastResort);
    peer.establish();
    peer.announce(first, second);
    peer.endOfRib();
    assert.deepEqual(node.routes(), fresh);
    // Whole again: the next loss begins anew.
    peer.disconnect();
    network.advance(59);
    assert.deepEqual(node.routes(), stale);
    network.advance(900);
    assert.deepEqual(node.routes(), lastResort);
  });

  test("that is back and never says End-of-RIB loses what it has not announced when its time is over", () => {
    const { network, node, peer } = scene({ staleTimeSeconds: 200 });
    peer.disconnect();
    network.advance(100);
    peer.establish();
    peer.announce(first);
    network.advance(150);
    assert.deepEqual(node.routes(), [fresh[0], lastResort[1]]);
    network.advance(15);
    assert.deepEqual(node.routes(), [fresh[0]]);
    assert.equal(node.state(b), "Established");
  });

  test("that comes back as somebody else, or is dropped meanwhile, leaves nothing behind", () => {
    const { network, node, peer } = scene();
    peer.disconnect();
    network.advance(70);
    peer.establish({ bgpIdentifier: 0x0a0000aa });
    assert.deepEqual(node.routes(), []);
    const other = scene();
    other.peer.disconnect();
    other.network.advance(70);
    other.node.speaker.removePeer(b);
    other.network.settle();
    assert.deepEqual(other.node.routes(), []);
    assert.equal(other.node.speaker.attributes.size, 0);
    assert.equal(other.node.timers.size, 2 * 3);
  });

  test("from a range is known until its time is over", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    const settings = { passive: true, gracefulRestartSeconds: 60, longLivedStaleSeconds: 0 };
    node.speaker.setRanges([peerRange(`${b}/32`, peerSettings(b, settings))]);
    const peer = new ScriptedPeer(node, b);
    peer.establish({ capabilities: capabilities({ staleTimeSeconds: 100 }) });
    peer.announce(first, second);
    peer.disconnect();
    network.advance(158);
    assert.deepEqual(node.routes(), lastResort);
    network.advance(4);
    assert.equal(node.state(b), "gone");
    assert.deepEqual(node.routes(), []);
    assert.equal(node.timers.size, 0);
  });
});

describe("a long-lived stale path", () => {
  test("comes after every other, whatever its LOCAL_PREF, and is beside none", () => {
    const network = new SpeakerNetwork();
    const decision = { alwaysCompareMed: false, missingMedAsWorst: false, maximumPaths: 8 };
    const node = network.speaker(a, { decision });
    const settings = { passive: true, gracefulRestartSeconds: 60, longLivedStaleSeconds: 0 };
    for (const address of [b, c]) node.speaker.addPeer(peerSettings(address, settings));
    const [one, other] = [new ScriptedPeer(node, b), new ScriptedPeer(node, c)];
    for (const peer of [one, other]) peer.establish({ capabilities: capabilities() });
    one.announceWith({ localPref: 500 }, first);
    other.announceWith({ localPref: 500 }, first);
    assert.deepEqual(reasons(node, first), { [b]: "best", [c]: "multipath" });
    one.disconnect();
    network.advance(59);
    assert.deepEqual(reasons(node, first), { [b]: "best", [c]: "multipath" });
    network.advance(2);
    assert.deepEqual(reasons(node, first), { [b]: "long-lived-stale", [c]: "best" });
    other.announceWith({ localPref: 1 }, first);
    assert.deepEqual(reasons(node, first), { [b]: "long-lived-stale", [c]: "best" });
    other.withdraw(first);
    assert.deepEqual(reasons(node, first), { [b]: "best" });
    // Of two last resorts the usual steps choose.
    other.announceWith({ localPref: 600, communities: [llgrStale] }, first);
    assert.deepEqual(reasons(node, first), { [b]: "lower-local-pref", [c]: "best" });
  });

  test("of a peer is passed on as one, unless the next does not know what it is", () => {
    const { peer, knowing, ignorant } = scene();
    peer.announceWith({ communities: [llgrStale, 7] }, first);
    assert.deepEqual(communitiesOf(knowing, first), [llgrStale, 7]);
    assert.deepEqual([...ignorant.view.routes.keys()], [second]);
    peer.announceWith({ communities: [7] }, first);
    assert.deepEqual([...ignorant.view.routes.keys()], [first, second].toReversed());
  });

  test("keeps its community where all others are removed", () => {
    const { peer, knowing } = scene({}, {}, { exportRemoveCommunities: "all" });
    peer.announceWith({ communities: [7, llgrStale] }, first);
    assert.deepEqual(communitiesOf(knowing, first), [llgrStale]);
  });

  test("is sent within our AS to those who do not know it, where that is wanted, with LOCAL_PREF 0 and NO_EXPORT", () => {
    const { network, peer, knowing, ignorant } = scene(
      {},
      {},
      { longLivedPartialDeployment: true },
    );
    peer.disconnect();
    network.advance(61);
    const sent = ignorant.view.routes.get(first);
    assert.deepEqual([sent?.localPref, sent?.communities], [0, [llgrStale, noExport]]);
    assert.equal(sent?.originatorId, 0x0a000002);
    const asEver = knowing.view.routes.get(first);
    assert.deepEqual([asEver?.localPref, asEver?.communities], [100, [llgrStale]]);
  });

  test("is never sent so to another AS", () => {
    const { network, node, peer } = scene();
    const settings = {
      passive: true,
      asn: 65001,
      policy: "accept-all",
      longLivedPartialDeployment: true,
    } as const;
    node.speaker.addPeer(peerSettings(c, settings));
    const outside = new ScriptedPeer(node, c, { asn: 65001 });
    outside.establish();
    assert.equal(outside.view.routes.size, 2);
    peer.disconnect();
    network.advance(61);
    assert.equal(outside.view.routes.size, 0);
  });
});

describe("what we offer of long-lived graceful restart", () => {
  function offered(changes: Partial<PeerSettings>): readonly Capability[] {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    node.speaker.setRestarting(true, true);
    node.speaker.addPeer(peerSettings(b, { passive: true, ...changes }));
    const peer = new ScriptedPeer(node, b);
    peer.connect();
    const open = peer.messages.find(({ type }) => type === "OPEN");
    assert.ok(open?.type === "OPEN");
    const names = ["gracefulRestart", "longLivedGracefulRestart"];
    return open.open.capabilities.filter(({ name }) => names.includes(name));
  }

  test("has the time and, after a restart, what the kernel has kept", () => {
    const [, capability] = offered({ gracefulRestartSeconds: 60, longLivedStaleSeconds: 3600 });
    assert.deepEqual(capability, longLived(3600));
    const [, none] = offered({ gracefulRestartSeconds: 60, longLivedStaleSeconds: 0 });
    assert.deepEqual(none, longLived(0));
    assert.equal(offered({ gracefulRestartSeconds: 60 }).length, 1);
  });

  test("covers sessions that end by NOTIFICATION, where graceful restart itself keeps nothing", () => {
    const [restart] = offered({ gracefulRestartSeconds: 0, longLivedStaleSeconds: 3600 });
    assert.ok(restart?.name === "gracefulRestart");
    assert.deepEqual([restart.notification, restart.families], [true, []]);
  });

  test("has two speakers keep each other's routes over a long absence", () => {
    const network = new SpeakerNetwork();
    const left = network.speaker(a);
    left.originate(first);
    const settings = { gracefulRestartSeconds: 30, longLivedStaleSeconds: 3600 };
    left.speaker.addPeer(peerSettings(b, settings));
    const start = (): SpeakerNode => {
      const right = network.speaker(b);
      right.speaker.setRestarting(true, true);
      right.speaker.addPeer(peerSettings(a, settings));
      right.originate(second);
      return right;
    };
    const old = start();
    network.settle();
    old.crash();
    network.advance(1800);
    assert.equal(left.routes()[1], lastResort[1]);
    const renewed = start();
    network.advance(10);
    assert.equal(left.routes()[1], fresh[1]);
    assert.equal(renewed.routes().length, 2);
    assert.deepEqual(left.lost, []);
  });
});
