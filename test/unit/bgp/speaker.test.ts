import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { headerOctets } from "../../../src/bgp/iana.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import { describePathReason } from "../../../src/bgp/rib/path-reason.ts";
import type { UpdateGroup } from "../../../src/bgp/rib/update-group.ts";
import type { SpeakerConfig } from "../../../src/bgp/speaker-config.ts";
import {
  peerRange,
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const a = "10.0.0.1";
const b = "10.0.0.2";
const c = "10.0.0.3";

/** A full mesh, each node originating `10.244.<n>.0/24`, at rest. */
function mesh(...addresses: string[]): { network: SpeakerNetwork; nodes: SpeakerNode[] } {
  const network = new SpeakerNetwork();
  const nodes = addresses.map((address) => network.speaker(address));
  for (const [index, node] of nodes.entries()) {
    node.originate(`10.244.${index + 1}.0/24`);
    for (const other of nodes.slice(index + 1)) node.peerWith(other);
  }
  network.settle();
  return { network, nodes };
}

/** A reflector that lets clients in from everywhere. */
function reflector(
  address: string,
  network = new SpeakerNetwork(),
  changes: Partial<SpeakerConfig> = {},
): SpeakerNode {
  const node = network.speaker(address, { nextHopSelf: {}, ...changes });
  node.speaker.setRanges([peerRange("10.0.0.0/8", { client: true })]);
  return node;
}

describe("a mesh of speakers", () => {
  test("settles on one session each, although both sides dial, and everybody knows every prefix", () => {
    const { network, nodes } = mesh(a, b, c);
    for (const node of nodes) {
      for (const other of nodes) {
        if (other !== node) assert.equal(node.state(other.address), "Established");
      }
      assert.equal(node.connections.size, 2);
    }
    assert.deepEqual(nodes[0]?.routes(), [
      "10.244.1.0/24 via 10.0.0.1 from local",
      "10.244.2.0/24 via 10.0.0.2 from 10.0.0.2",
      "10.244.3.0/24 via 10.0.0.3 from 10.0.0.3",
    ]);
    assert.equal(network.nodes.size, 3);
  });

  test("passes nothing on from one internal peer to another", () => {
    const { nodes } = mesh(a, b, c);
    const [first, second] = nodes as [SpeakerNode, SpeakerNode, SpeakerNode];
    for (const { group } of first.speaker.peer(b)?.families ?? []) {
      assert.equal(group.advertisedTo(first.speaker.peer(b)?.index ?? 0), 1);
    }
    assert.equal(second.speaker.peer(a)?.received[2], 2, "one UPDATE and one End-of-RIB");
  });

  test("follows what is originated, and no longer", () => {
    const { network, nodes } = mesh(a, b);
    const [first, second] = nodes as [SpeakerNode, SpeakerNode];
    first.originate("10.244.7.0/24", "10.244.1.0/24", "2001:db8::/32");
    network.settle();
    assert.deepEqual(second.routes(), [
      "10.244.1.0/24 via 10.0.0.1 from 10.0.0.1",
      "10.244.2.0/24 via 10.0.0.2 from local",
      "10.244.7.0/24 via 10.0.0.1 from 10.0.0.1",
    ]);
    first.originate();
    network.settle();
    assert.deepEqual(second.routes(), ["10.244.2.0/24 via 10.0.0.2 from local"]);
  });

  test("holds the session over a quiet hour, and ends it when the hold time is over", () => {
    const { network, nodes } = mesh(a, b);
    const [first, second] = nodes as [SpeakerNode, SpeakerNode];
    network.advance(3600);
    assert.equal(first.speaker.peer(b)?.flaps, 0);
    network.cut(a, b);
    network.advance(89);
    assert.equal(second.state(a), "Established");
    network.advance(2);
    assert.deepEqual(second.routes(), ["10.244.2.0/24 via 10.0.0.2 from local"]);
    assert.match(second.events.at(-1) ?? "", /nothing heard from the peer for 90 s/);
    assert.equal(second.speaker.peer(a)?.endOfRibs.size, 0, "of a session that is over");
    network.mend(a, b);
    network.advance(120);
    assert.equal(first.state(b), "Established");
    assert.equal(first.routes().length, 2);
    assert.equal(second.routes().length, 2);
  });

  test("carries IPv6 prefixes with an IPv6 next hop, in sessions that carry both", () => {
    const network = new SpeakerNetwork();
    const nodes = [a, b].map((address, index) =>
      network.speaker(address, { nextHopSelf: { 4: address, 6: `2001:db8::${index + 1}` } }),
    ) as [SpeakerNode, SpeakerNode];
    const [first, second] = nodes;
    first.peerWith(second, { families: [ipv4Unicast, ipv6Unicast] });
    first.originate("10.244.1.0/24", "2001:db8:1::/48");
    network.settle();
    const rib = second.speaker.ribs.get(ipv6Unicast.key);
    assert.ok(rib !== undefined);
    const wanted = prefix("2001:db8:1::/48");
    const id = rib.prefixes.find(wanted.octets, 0, wanted.length);
    const { nextHop } = second.speaker.attributes.attributes(rib.locRib.attributes(id));
    assert.equal(nextHop, "2001:db8::1");
    assert.deepEqual(
      [...(second.speaker.peer(a)?.endOfRibs ?? [])],
      [ipv4Unicast.key, ipv6Unicast.key],
    );
    assert.ok(second.speaker.peer(a)?.hasSentEndOfRib);
  });
});

describe("a reflector", () => {
  test("tells each client what the others announce, with originator, cluster and the next hop as it was", () => {
    const network = new SpeakerNetwork();
    const hub = reflector("10.0.0.100", network);
    const clients = [a, b, c].map((address, index) => {
      const client = network.speaker(address);
      client.originate(`10.244.${index + 1}.0/24`);
      client.speaker.addPeer(peerSettings(hub.address));
      return client;
    });
    network.settle();
    for (const client of clients) {
      assert.equal(client.routes().length, 3);
      const others = client.routes().filter((route) => !route.endsWith("local"));
      assert.equal(others.length, 2);
      for (const route of others) assert.match(route, /from 10\.0\.0\.100$/);
    }
    const seen = clients[1]?.attributesOf("10.244.1.0/24");
    assert.deepEqual(seen, {
      origin: 0,
      asPath: [],
      nextHop: a,
      localPref: 100,
      originatorId: 0x0a000001,
      clusterList: [0x0a000064],
    });
  });

  test("whose clients are meshed reflects between them and others only", () => {
    const network = new SpeakerNetwork();
    const hub = network.speaker("10.0.0.100", { clientToClient: false });
    hub.originate("10.244.9.0/24");
    const nodes = [a, b, c].map((address, index) => {
      const node = network.speaker(address);
      node.originate(`10.244.${index + 1}.0/24`);
      // The last is no client.
      node.peerWith(hub, {}, { client: address !== c });
      return node;
    });
    network.settle();
    const told = nodes.map((node) =>
      node
        .routes()
        .flatMap((route) => (route.endsWith(" from 10.0.0.100") ? [route.slice(0, 10)] : [])),
    );
    assert.deepEqual(told, [
      ["10.244.3.0", "10.244.9.0"],
      ["10.244.3.0", "10.244.9.0"],
      ["10.244.1.0", "10.244.2.0", "10.244.9.0"],
    ]);
  });

  test("takes part in no loop of reflectors", () => {
    const network = new SpeakerNetwork();
    const hubs = [reflector("10.0.0.100", network), reflector("10.0.0.101", network)];
    const [first, second] = hubs as [SpeakerNode, SpeakerNode];
    // Each takes the other for a client, with one cluster id for both, and so do the three clients.
    first.peerWith(second, { client: true });
    const client = network.speaker(a);
    client.originate("10.244.1.0/24");
    for (const hub of hubs) client.speaker.addPeer(peerSettings(hub.address));
    network.settle();
    for (const hub of hubs) {
      assert.deepEqual(hub.routes(), ["10.244.1.0/24 via 10.0.0.1 from 10.0.0.1"]);
      assert.equal(hub.connections.size, 2);
    }
    // What one hub reflects to the other is there, and longer.
    const paths = first.speaker.ribs.get(ipv4Unicast.key)?.paths;
    assert.ok(paths !== undefined);
    const reasons: string[] = [];
    for (let row = paths.first(0); row >= 0; row = paths.next(row)) {
      reasons.push(describePathReason(paths.reason(row)).name);
    }
    assert.deepEqual(reasons.sort(), ["best", "longer-cluster-list"]);
    client.originate();
    network.settle();
    for (const hub of hubs) assert.deepEqual(hub.routes(), []);
  });

  test("lets dynamic clients come and go, and gives their places to others", () => {
    const hub = reflector("10.0.0.100");
    const { network } = hub;
    const watcher = new ScriptedPeer(hub, "10.9.9.9");
    watcher.establish();
    const indexes = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const client = new ScriptedPeer(hub, `10.1.0.${round + 1}`);
      client.establish();
      indexes.add(hub.speaker.peer(client.address)?.index ?? -1);
      client.announce(`10.244.${round}.0/24`, "10.244.99.0/24");
      assert.deepEqual([...watcher.view.routes.keys()].sort(), [
        `10.244.${round}.0/24`,
        "10.244.99.0/24",
      ]);
      assert.equal(watcher.view.routes.get("10.244.99.0/24")?.nextHop, client.address);
      assert.deepEqual([...client.view.routes.keys()], [], "nothing of its own");
      client.disconnect();
      assert.equal(hub.state(client.address), "gone");
      assert.equal(watcher.view.routes.size, 0);
    }
    assert.ok(indexes.size <= 2, `${indexes.size} indexes for clients one after the other`);
    const rib = hub.speaker.ribs.get(ipv4Unicast.key);
    assert.equal(hub.speaker.attributes.size, 0);
    assert.equal(rib?.locRib.size, 0);
    assert.equal(hub.connections.size, 1);
    network.advance(60);
    assert.equal(hub.timers.size, 3, "hold, send hold and keepalive timers of the one that stayed");
  });

  test("refuses those whom it does not expect", () => {
    const hub = reflector("10.0.0.100");
    const stranger = new ScriptedPeer(hub, "192.0.2.1");
    assert.throws(() => stranger.connect(), /not let in/);
    assert.equal(hub.connections.size, 0);
  });

  test("tells of the same routes anew when somebody else announces them from the address, before the loss was decided", () => {
    const network = new SpeakerNetwork();
    const hub = network.speaker("10.0.0.100");
    const [client, watcher] = [a, b].map((address) => {
      hub.speaker.addPeer(peerSettings(address, { passive: true, client: true }));
      return new ScriptedPeer(hub, address);
    }) as [ScriptedPeer, ScriptedPeer];
    for (const peer of [client, watcher]) peer.establish();
    const prefixes = ["10.244.1.0/24", "10.244.2.0/24"];
    client.announce(...prefixes);
    const originators = (): unknown[] =>
      prefixes.map((text) => watcher.view.routes.get(text)?.originatorId);
    assert.deepEqual(originators(), [0x0a00_0001, 0x0a00_0001]);
    const turn = hub.turn.bind(hub);
    hub.turn = () => {
      hub.isWoken = hub.speaker.read(() => true);
    };
    client.disconnect();
    client.establish({ bgpIdentifier: 0x0a00_0063 });
    client.announce(...prefixes);
    hub.turn = turn;
    hub.isWoken = true;
    network.settle();
    assert.deepEqual(originators(), [0x0a00_0063, 0x0a00_0063]);
  });

  test("lets a dynamic client in again that dials anew before its old connection is found dead", () => {
    const hub = reflector("10.0.0.100");
    const client = new ScriptedPeer(hub, a);
    client.establish();
    client.announce("10.244.1.0/24");
    // Without graceful restart the established session stands (RFC 4271 §6.8), until it is found dead.
    client.connect();
    assert.equal(hub.state(a), "Established");
    assert.deepEqual(client.messages, []);
    hub.network.advance(91);
    assert.deepEqual(hub.routes(), []);
    client.send(encodeOpen(client.open));
    client.send(encodeKeepalive());
    client.announce("10.244.1.0/24");
    assert.deepEqual(hub.routes(), ["10.244.1.0/24 via 10.0.0.1 from 10.0.0.1"]);
  });
});

describe("a change of settings", () => {
  function pair(): { network: SpeakerNetwork; node: SpeakerNode; peer: ScriptedPeer } {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    node.speaker.addPeer(peerSettings(b, { passive: true }));
    const peer = new ScriptedPeer(node, b);
    peer.establish();
    peer.announce("10.244.2.0/24", "10.99.0.0/24");
    return { network, node, peer };
  }

  test("of import policy judges what is there again, under the running session", () => {
    const { network, node, peer } = pair();
    const narrow = { passive: true, importPrefixes: [prefix("10.244.0.0/16")], name: "renamed" };
    assert.equal(node.speaker.updatePeer(peerSettings(b, narrow)), false);
    network.settle();
    assert.deepEqual(node.routes(), ["10.244.2.0/24 via 10.0.0.2 from 10.0.0.2"]);
    peer.announce("10.99.1.0/24");
    assert.equal(node.routes().length, 1);
    const rib = node.speaker.ribs.get(ipv4Unicast.key);
    const index = node.speaker.peer(b)?.index ?? 0;
    const counts = { paths: 3, filtered: 2, stale: 0, longLived: 0 };
    assert.deepEqual(rib?.paths.counts(index), counts);
    const never = { passive: true, importNever: [prefix("10.244.2.0/24")] };
    node.speaker.updatePeer(peerSettings(b, never));
    network.settle();
    assert.deepEqual(node.routes(), [
      "10.99.0.0/24 via 10.0.0.2 from 10.0.0.2",
      "10.99.1.0/24 via 10.0.0.2 from 10.0.0.2",
    ]);
    assert.equal(node.state(b), "Established");
  });

  test("of the session itself ends it with Cease 6/6 and starts anew, as what it was", () => {
    const { network, node, peer } = pair();
    assert.equal(node.speaker.updatePeer(peerSettings(b, { passive: true, client: true })), true);
    network.settle();
    assert.deepEqual(peer.notifications(), ["6/6"]);
    assert.deepEqual(node.routes(), []);
    peer.establish();
    peer.announce("10.244.2.0/24");
    assert.equal(node.routes().length, 1);
  });

  test("of an address nobody keeps is an error, and so is taking one twice", () => {
    const { node } = pair();
    assert.throws(() => node.speaker.updatePeer(peerSettings(c)), /there is no peer 10.0.0.3/);
    assert.throws(() => node.speaker.addPeer(peerSettings(b)), /there is a peer 10.0.0.2 already/);
  });

  test("that drops the peer tells it so, and forgets its routes and timers", () => {
    const { network, node, peer } = pair();
    node.speaker.removePeer(b);
    network.settle();
    assert.deepEqual(peer.notifications(), ["6/3"]);
    assert.deepEqual(node.routes(), []);
    assert.equal(node.speaker.attributes.size, 0);
    assert.equal(node.timers.size, 0);
    assert.equal(node.connections.size, 0);
    assert.deepEqual(node.events.slice(-1), [`removed ${b}`]);
    node.speaker.removePeer(b);
  });

  test("that drops a peer being dialled gives the dial up", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    network.cut(a, b);
    node.speaker.addPeer(peerSettings(b));
    network.settle();
    assert.equal(node.state(b), "Connect");
    node.speaker.removePeer(b);
    network.advance(60);
    assert.equal(node.timers.size, 0);
    assert.equal(node.connections.size, 0);
  });
});

describe("stopping", () => {
  function watched(gracefulRestartSeconds: number): { node: SpeakerNode; peer: ScriptedPeer } {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    node.speaker.addPeer(peerSettings(b, { passive: true, gracefulRestartSeconds }));
    const peer = new ScriptedPeer(node, b);
    const { capabilities } = peer.open;
    const families = [{ afi: 1, safi: 1, forwardingPreserved: true }];
    const restart = { restarted: false, notification: false, restartTimeSeconds: 120, families };
    const withRestart = [...capabilities, { name: "gracefulRestart" as const, ...restart }];
    peer.establish(gracefulRestartSeconds > 0 ? { capabilities: withRestart } : {});
    return { node, peer };
  }

  test("tells peers, and why", () => {
    const { node, peer } = watched(120);
    node.speaker.stop({ silently: false, message: "maintenance" });
    node.network.settle();
    assert.deepEqual(peer.notifications(), ["6/2"]);
    const last = peer.messages.at(-1);
    assert.ok(last?.type === "NOTIFICATION");
    assert.equal(new TextDecoder().decode(last.notification.data.subarray(1)), "maintenance");
    node.network.advance(60);
    assert.equal(node.state(b), "Idle");
    assert.equal(node.timers.size, 0);
  });

  test("without a word leaves peers with graceful restart alone, and tells the others", () => {
    const graceful = watched(120);
    graceful.node.speaker.stop({ silently: true });
    graceful.node.network.settle();
    assert.deepEqual(graceful.peer.notifications(), []);
    const plain = watched(0);
    plain.node.speaker.stop({ silently: true });
    plain.node.network.settle();
    assert.deepEqual(plain.peer.notifications(), ["6/2"]);
  });
});

describe("a peer with a MinRouteAdvertisementInterval", () => {
  test("is told of changes when it is over, of withdrawals and by others at once", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    const settings = { passive: true, client: true };
    const slow = { ...settings, minRouteAdvertisementIntervalSeconds: 5 };
    node.speaker.addPeer(peerSettings(b, slow));
    node.speaker.addPeer(peerSettings(c, settings));
    const [paced, swift] = [b, c].map((address) => new ScriptedPeer(node, address));
    assert.ok(paced && swift);
    paced.establish();
    swift.establish();
    node.originate("10.244.1.0/24");
    network.settle();
    node.originate("10.244.1.0/24", "10.244.2.0/24");
    network.advance(4);
    assert.deepEqual([...paced.view.routes.keys()], ["10.244.1.0/24"]);
    assert.equal(swift.view.routes.size, 2);
    network.advance(1);
    assert.equal(paced.view.routes.size, 2);
    node.originate();
    network.settle();
    assert.equal(paced.view.routes.size, 0);
    assert.equal(node.timers.has("minRouteAdvertisementInterval 0"), false, "nothing to wait for");
  });
});

describe("what a peer asks for and how fast it reads", () => {
  test("a peer that does not read holds nobody up, and ends with the table", () => {
    const network = new SpeakerNetwork();
    const hub = reflector("10.0.0.100", network);
    const [slow, quick, source] = [a, b, c].map((address) => new ScriptedPeer(hub, address)) as [
      ScriptedPeer,
      ScriptedPeer,
      ScriptedPeer,
    ];
    for (const peer of [slow, quick, source]) peer.establish();
    source.announce("10.244.1.0/24", "10.244.2.0/24");
    hub.stall(a, true);
    for (let round = 3; round < 40; round++) {
      source.announce(`10.244.${round}.0/24`);
      source.withdraw(`10.244.${round - 2}.0/24`);
    }
    assert.equal(slow.view.routes.size, 2);
    const expected = ["10.244.38.0/24", "10.244.39.0/24"];
    assert.deepEqual([...quick.view.routes.keys()].sort(), expected);
    slow.routeRefresh(0);
    hub.stall(a, false);
    network.settle();
    assert.deepEqual([...slow.view.routes.keys()].sort(), expected);
  });

  test("a peer that does not read has no more memory wait for it than the configuration allows", () => {
    const network = new SpeakerNetwork();
    const [roomy, tight] = [16, 0.25].map((mebibytes, index) => {
      const limits = { lagOctets: mebibytes * 1024 * 1024 };
      const hub = reflector(`10.0.0.10${index}`, network, { limits });
      const [slow, source] = [a, b].map((address) => new ScriptedPeer(hub, address)) as [
        ScriptedPeer,
        ScriptedPeer,
      ];
      for (const peer of [slow, source]) peer.establish();
      source.announce("10.244.0.0/24");
      hub.stall(a, true);
      for (let round = 1; round < 1000; round++) source.announce(`10.244.${round % 250}.0/24`);
      for (let round = 1; round < 1000; round++)
        source.withdraw(`10.244.${1 + (round % 249)}.0/24`);
      return [...(hub.speaker.ribs.get(ipv4Unicast.key) ?? assert.fail()).groups()];
    }) as [UpdateGroup[], UpdateGroup[]];
    const retained = (groups: readonly UpdateGroup[]): number =>
      groups.reduce((sum, group) => sum + group.retainedBytes, 0);
    assert.ok(retained(roomy) > 256 * 1024, `${retained(roomy)} octets`);
    assert.ok(retained(tight) < 256 * 1024, `${retained(tight)} octets`);
  });

  test("End-of-RIB is told to observers after the routes before it", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    node.speaker.addPeer(peerSettings(b, { passive: true }));
    const peer = new ScriptedPeer(node, b);
    peer.establish();
    const many = Array.from({ length: 40_000 }, (_, at) => `10.${at >>> 8}.${at & 255}.0/24`);
    const sizes: number[] = [];
    Object.assign(node.events, {
      push: (text: string) => {
        if (text.startsWith("end of rib")) {
          sizes.push(node.speaker.ribs.get(ipv4Unicast.key)?.locRib.size ?? 0);
        }
      },
    });
    // All of it arrives in one turn.
    const settle = network.settle.bind(network);
    network.settle = () => {};
    peer.announce(...many);
    peer.endOfRib();
    network.settle = settle;
    network.settle();
    assert.deepEqual(sizes, [many.length]);
  });

  test("a peer for which ever more prefixes have to be remembered is given up, and gets the table when it comes back", () => {
    const network = new SpeakerNetwork();
    const hub = reflector("10.0.0.100", network);
    const [slow, source] = [a, b].map((address) => new ScriptedPeer(hub, address)) as [
      ScriptedPeer,
      ScriptedPeer,
    ];
    for (const peer of [slow, source]) peer.establish();
    source.announce("10.244.1.0/24");
    hub.stall(a, true);
    const { prefixes } = hub.speaker.ribs.get(ipv4Unicast.key) ?? assert.fail();
    let most = 0;
    for (let from = 0; from < 120_000; from += 700) {
      const hosts = Array.from({ length: 700 }, (_, at) => {
        const host = from + at;
        return `10.${host >>> 16}.${(host >>> 8) & 255}.${host & 255}/32`;
      });
      source.announce(...hosts);
      source.withdraw(...hosts);
      most = Math.max(most, prefixes.size);
    }
    assert.ok(most > 65_536 && most < 68_000, `${most} prefixes`);
    assert.equal(prefixes.size, 1);
    const down = hub.events.filter((event) => event.startsWith("down"));
    assert.deepEqual(down.length, 1);
    assert.match(down[0] ?? "", /^down 10\.0\.0\.1: the peer reads so slowly/);
    assert.equal(hub.speaker.offences.totals.get("not-reading"), 1);
    slow.establish();
    assert.deepEqual([...slow.view.routes.keys()], ["10.244.1.0/24"]);
  });

  test("messages are worked off by octets between two looks at the time, too", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(a);
    node.speaker.addPeer(peerSettings(b, { passive: true }));
    const peer = new ScriptedPeer(node, b);
    peer.establish({ capabilities: [...peer.open.capabilities, { name: "extendedMessage" }] });
    const received = node.speaker.peer(b)?.received ?? assert.fail();
    const [connection] = node.connections.keys();
    assert.ok(connection !== undefined);
    const large = new Uint8Array(65_535).fill(0xff, 0, 16);
    // An UPDATE that withdraws 10.0.0.0/8 thousands of times.
    const withdrawn = large.length - headerOctets - 4;
    large.set([0xff, 0xff, 2, withdrawn >>> 8, withdrawn], 16);
    for (let at = headerOctets + 2; at < large.length - 2; at += 2) large.set([8, 10], at);
    for (let count = 0; count < 16; count++) node.speaker.received(connection, large);
    let looks = 0;
    node.speaker.read(() => looks++ < 1);
    assert.equal(received[2], 1);
    node.speaker.read(() => true);
    assert.equal(received[2], 16);
    const update = large.slice(0, headerOctets + 4 + 2);
    update.set([0, update.length, 2, 0, 2, 8, 10, 0, 0], 16);
    for (let count = 0; count < 40; count++) node.speaker.received(connection, update);
    looks = 0;
    node.speaker.read(() => looks++ < 1);
    assert.equal(received[2], 32, "small ones by their number");
  });
});
