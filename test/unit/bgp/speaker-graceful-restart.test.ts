import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeNotification } from "../../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import type { Speaker } from "../../../src/bgp/speaker.ts";
import {
  peerRange,
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const a = "10.0.0.1";
const b = "10.0.0.2";
const watcherAddress = "10.0.0.9";

function capabilities(options: {
  readonly restarted?: boolean;
  readonly forwardingPreserved?: boolean;
  readonly restartTimeSeconds?: number;
  readonly notification?: boolean;
}): readonly Capability[] {
  const { restarted = false, forwardingPreserved = true, restartTimeSeconds = 120 } = options;
  const { notification = false } = options;
  return [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "fourOctetAs", asn: 64512 },
    {
      name: "gracefulRestart",
      restarted,
      notification,
      restartTimeSeconds,
      families: [{ afi: 1, safi: 1, forwardingPreserved }],
    },
  ];
}

interface Scene {
  readonly network: SpeakerNetwork;
  readonly node: SpeakerNode;
  readonly peer: ScriptedPeer;
  /** A third party that is sent what `node` selects. */
  readonly watcher: ScriptedPeer;
}

/** A node with a peer in graceful restart that has announced two prefixes. */
function scene(dynamic = false): Scene {
  const network = new SpeakerNetwork();
  const node = network.speaker(a);
  const settings = peerSettings(b, { passive: true, client: true, gracefulRestartSeconds: 60 });
  if (dynamic) {
    node.speaker.setRanges([peerRange(`${b}/32`, settings)]);
  } else node.speaker.addPeer(settings);
  node.speaker.addPeer(peerSettings(watcherAddress, { passive: true, client: true }));
  const watcher = new ScriptedPeer(node, watcherAddress);
  watcher.establish();
  const peer = new ScriptedPeer(node, b);
  peer.establish({ capabilities: capabilities({}) });
  peer.announce("10.244.1.0/24", "10.244.2.0/24");
  peer.endOfRib();
  return { network, node, peer, watcher };
}

const fresh = [
  "10.244.1.0/24 via 10.0.0.2 from 10.0.0.2",
  "10.244.2.0/24 via 10.0.0.2 from 10.0.0.2",
];
const stale = fresh.map((route) => `${route} ~`);

describe("a peer in graceful restart", () => {
  test("whose session is lost keeps its paths, as stale ones, and nobody else notices", () => {
    const { node, peer, watcher } = scene();
    const before = watcher.messages.length;
    peer.disconnect();
    assert.notEqual(node.state(b), "Established");
    assert.deepEqual(node.routes(), stale);
    assert.equal(watcher.messages.length, before);
  });

  test("that comes back refreshes what it announces again, and loses the rest at End-of-RIB", () => {
    const { network, node, peer, watcher } = scene();
    peer.disconnect();
    network.advance(30);
    const before = watcher.messages.length;
    peer.establish({ capabilities: capabilities({ restarted: true }) });
    assert.deepEqual(node.routes(), stale);
    peer.announce("10.244.1.0/24", "10.244.3.0/24");
    assert.deepEqual(node.routes(), [
      fresh[0],
      stale[1],
      "10.244.3.0/24 via 10.0.0.2 from 10.0.0.2",
    ]);
    peer.endOfRib();
    assert.deepEqual(node.routes(), [fresh[0], "10.244.3.0/24 via 10.0.0.2 from 10.0.0.2"]);
    const keepalives = watcher.messages.slice(before).filter(({ type }) => type === "KEEPALIVE");
    assert.equal(watcher.messages.length - before - keepalives.length, 2, "one more, one less");
    network.advance(300);
    assert.equal(node.routes().length, 2);
    assert.equal(node.state(b), "Established");
  });

  test("that comes back with other attributes replaces the stale ones", () => {
    const { node, peer } = scene();
    peer.disconnect();
    peer.establish();
    peer.announceWith({ localPref: 200 }, "10.244.1.0/24");
    assert.equal(node.attributesOf("10.244.1.0/24")?.localPref, 200);
    peer.endOfRib();
    assert.deepEqual(node.routes(), [fresh[0]]);
  });

  test("that does not come back in its restart time loses them then", () => {
    const { network, node, peer, watcher } = scene();
    peer.disconnect();
    network.advance(119);
    assert.deepEqual(node.routes(), stale);
    network.advance(2);
    assert.deepEqual(node.routes(), []);
    assert.equal(watcher.view.routes.size, 0);
  });

  test("that comes back late has the restart time anew for its End-of-RIB, and no longer", () => {
    const { network, node, peer } = scene();
    peer.disconnect();
    network.advance(115);
    peer.establish({ capabilities: capabilities({ restartTimeSeconds: 40 }) });
    peer.announce("10.244.1.0/24");
    network.advance(39);
    assert.deepEqual(node.routes(), [fresh[0], stale[1]]);
    network.advance(2);
    assert.deepEqual(node.routes(), [fresh[0]]);
  });

  test("that has not kept forwarding loses them at once when it is back", () => {
    const { node, peer } = scene();
    peer.disconnect();
    peer.establish({ capabilities: capabilities({ restarted: true, forwardingPreserved: false }) });
    assert.deepEqual(node.routes(), []);
  });

  test("that comes back without graceful restart loses them at once", () => {
    const { node, peer } = scene();
    peer.disconnect();
    peer.establish({ capabilities: capabilities({}).slice(0, 2) });
    assert.deepEqual(node.routes(), []);
  });

  test("that says good-bye by NOTIFICATION loses them at once", () => {
    const { node, peer } = scene();
    peer.send(encodeNotification({ code: 6, subcode: 2, data: new Uint8Array(0) }));
    assert.deepEqual(node.routes(), []);
  });

  test("that we part from by NOTIFICATION loses them at once", () => {
    const { network, node } = scene();
    network.cut(a, b);
    network.advance(91);
    assert.match(node.events.at(-1) ?? "", /nothing heard/);
    assert.deepEqual(node.routes(), []);
  });

  test("that breaks off again before it was whole loses what had been stale already", () => {
    const { node, peer } = scene();
    peer.disconnect();
    peer.establish();
    peer.announce("10.244.1.0/24");
    peer.disconnect();
    assert.deepEqual(node.routes(), [stale[0]]);
    peer.establish();
    peer.announce("10.244.1.0/24");
    peer.endOfRib();
    assert.deepEqual(node.routes(), [fresh[0]]);
  });

  test("that dials anew before its loss was noticed takes over with its paths kept", () => {
    const { network, node, peer } = scene();
    network.advance(60);
    peer.connect();
    peer.send(encodeOpen({ ...peer.open, capabilities: capabilities({ restarted: true }) }));
    assert.deepEqual(node.routes(), stale);
    peer.send(encodeKeepalive());
    assert.equal(node.state(b), "Established");
    peer.announce("10.244.2.0/24");
    peer.endOfRib();
    assert.deepEqual(node.routes(), [fresh[1]]);
    assert.equal(node.connections.size, 2);
  });

  test("that comes back as somebody else has its stale paths dropped", () => {
    const { node, peer, watcher } = scene();
    peer.disconnect();
    peer.establish({ bgpIdentifier: 0x0a0000aa });
    assert.deepEqual(node.routes(), []);
    peer.announce("10.244.1.0/24");
    assert.equal(watcher.view.routes.get("10.244.1.0/24")?.originatorId, 0x0a0000aa);
  });

  test("that is dropped meanwhile leaves nothing behind", () => {
    const { network, node, peer } = scene();
    peer.disconnect();
    node.speaker.removePeer(b);
    network.advance(61);
    assert.deepEqual(node.routes(), []);
    assert.equal(node.speaker.attributes.size, 0);
    assert.equal(node.timers.size, 3, "hold, send hold and keepalive of the watcher");
  });

  test("from a range is kept until its restart time is over", () => {
    const { network, node, peer } = scene(true);
    peer.disconnect();
    assert.deepEqual(node.routes(), stale);
    network.advance(121);
    assert.equal(node.state(b), "gone");
    assert.deepEqual(node.routes(), []);
    assert.equal(node.timers.size, 3);
  });

  test("from a range keeps its place for no longer than it is to keep our paths", () => {
    for (const [ours, seconds] of [
      [60, 60],
      [0, 120],
    ] as const) {
      const node = new SpeakerNetwork().speaker(a);
      node.speaker.setRanges([peerRange(`${b}/32`, { gracefulRestartSeconds: ours }, 1)]);
      const peer = new ScriptedPeer(node, b);
      peer.establish({ capabilities: capabilities({ restartTimeSeconds: 4095 }) });
      peer.announce("10.244.1.0/24");
      peer.endOfRib();
      peer.disconnect();
      node.network.advance(seconds - 1);
      assert.notEqual(node.state(b), "gone");
      assert.equal(node.routes().length, 1);
      node.network.advance(1);
      assert.equal(node.state(b), "gone");
    }
  });

  test("from a range is taken for itself when it comes back, and forgotten when it had nothing to keep", () => {
    const { node, peer } = scene(true);
    peer.disconnect();
    peer.establish();
    peer.endOfRib();
    assert.deepEqual(node.routes(), []);
    peer.disconnect();
    assert.equal(node.state(b), "gone");
  });

  test("that is a speaker itself is missed by nobody over a crash and a restart", () => {
    const network = new SpeakerNetwork();
    const left = network.speaker(a);
    left.originate("10.244.1.0/24");
    const graceful = { gracefulRestartSeconds: 60 };
    left.speaker.addPeer(peerSettings(b, graceful));
    const start = (): SpeakerNode => {
      const right = network.speaker(b);
      right.speaker.setRestarting(true, true);
      right.speaker.addPeer(peerSettings(a, graceful));
      right.originate("10.244.2.0/24");
      return right;
    };
    const first = start();
    network.settle();
    const route = "10.244.2.0/24 via 10.0.0.2 from 10.0.0.2";
    assert.equal(left.routes()[1], route);
    first.crash();
    network.settle();
    assert.equal(left.routes()[1], `${route} ~`);
    network.advance(20);
    const second = start();
    network.advance(10);
    assert.equal(left.routes()[1], route);
    assert.equal(second.routes().length, 2);
  });
});

test("what our OPENs say of forwarding is said of each family (RFC 4724 §3)", () => {
  const families = [ipv4Unicast, ipv6Unicast];
  const offered = (...restart: Parameters<Speaker["setRestarting"]>): unknown[] => {
    const node = new SpeakerNetwork().speaker(a);
    node.speaker.setRestarting(...restart);
    const graceful = { gracefulRestartSeconds: 60, longLivedStaleSeconds: 60 };
    node.speaker.addPeer(peerSettings(b, { passive: true, families, ...graceful }));
    const peer = new ScriptedPeer(node, b);
    peer.connect();
    const open = peer.messages.find(({ type }) => type === "OPEN");
    assert.ok(open?.type === "OPEN");
    return open.open.capabilities.flatMap((capability) => {
      if (capability.name === "gracefulRestart") return [capability.restarted, kept(capability)];
      return capability.name === "longLivedGracefulRestart" ? [kept(capability)] : [];
    });
  };
  const kept = (of: {
    readonly families: readonly { readonly forwardingPreserved: boolean }[];
  }): boolean[] => of.families.map(({ forwardingPreserved }) => forwardingPreserved);
  assert.deepEqual(offered(true, [ipv4Unicast.key]), [true, [true, false], [true, false]]);
  assert.deepEqual(offered(true, [ipv6Unicast.key]), [true, [false, true], [false, true]]);
  assert.deepEqual(offered(false, true), [false, [true, true], [true, true]]);
  assert.deepEqual(offered(false, false), [false, [false, false], [false, false]]);
});

describe("a peer in graceful restart that offers it after NOTIFICATIONs, too (RFC 8538)", () => {
  /** As `scene`, with the N bit. */
  function sceneWithNotification(): Scene {
    const made = scene();
    made.peer.disconnect();
    made.peer.establish({ capabilities: capabilities({ notification: true }) });
    made.peer.announce("10.244.1.0/24", "10.244.2.0/24");
    made.peer.endOfRib();
    return made;
  }
  const none = new Uint8Array(0);

  test("keeps its paths over one of its own, and one of ours", () => {
    const { network, node, peer } = sceneWithNotification();
    peer.send(encodeNotification({ code: 6, subcode: 4, data: none }));
    assert.deepEqual(node.routes(), stale);
    peer.establish({ capabilities: capabilities({ notification: true, restarted: true }) });
    peer.announce("10.244.1.0/24", "10.244.2.0/24");
    peer.endOfRib();
    assert.deepEqual(node.routes(), fresh);
    network.cut(a, b);
    network.advance(91);
    assert.match(node.events.at(-1) ?? "", /nothing heard/);
    assert.deepEqual(node.routes(), stale);
    network.advance(121);
    assert.deepEqual(node.routes(), []);
  });

  test("loses them at a Hard Reset, its own or ours", () => {
    const { node, peer } = sceneWithNotification();
    peer.send(encodeNotification({ code: 6, subcode: 9, data: Uint8Array.of(6, 4) }));
    assert.deepEqual(node.routes(), []);
    const { node: other, peer: parted } = sceneWithNotification();
    const known = other.speaker.peer(b);
    assert.ok(known !== undefined);
    other.speaker.control.disable(known, "gone");
    other.network.settle();
    assert.deepEqual(other.routes(), []);
    const last = parted.messages.at(-1);
    assert.ok(last?.type === "NOTIFICATION");
    const data = Uint8Array.of(6, 2, 4, ...Buffer.from("gone"));
    assert.deepEqual(last.notification, { code: 6, subcode: 9, data });
  });

  test("is reset by the operator without losing them", () => {
    const { network, node, peer } = sceneWithNotification();
    const known = node.speaker.peer(b);
    assert.ok(known !== undefined);
    node.speaker.control.reset(known);
    network.settle();
    assert.deepEqual(node.routes(), stale);
    assert.deepEqual(peer.notifications(), ["6/4"]);
  });

  test("is not offered it where the peer is in another AS, unless told", () => {
    const offered = (changes: Partial<PeerSettings>): boolean => {
      const network = new SpeakerNetwork();
      const node = network.speaker(a);
      node.speaker.addPeer(
        peerSettings(b, { passive: true, gracefulRestartSeconds: 60, ...changes }),
      );
      const peer = new ScriptedPeer(node, b);
      peer.connect();
      const open = peer.messages.find(({ type }) => type === "OPEN");
      assert.ok(open?.type === "OPEN");
      const restart = open.open.capabilities.find(({ name }) => name === "gracefulRestart");
      return restart?.name === "gracefulRestart" && restart.notification;
    };
    assert.equal(offered({}), true);
    assert.equal(offered({ gracefulNotification: false }), false);
    assert.equal(offered({ gracefulRestartSeconds: 0 }), false);
    assert.equal(offered({ asn: 65001 }), false);
    assert.equal(offered({ asn: "any" }), false);
    assert.equal(offered({ asn: 65001, gracefulNotification: true }), true);
  });
});
