import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import {
  peerRange,
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const reflectorAddress = "10.0.0.100";
const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;
const [a, b, c] = addresses;
const graceful = { gracefulRestartSeconds: 120 };
const endOfRib = { withdrawn: [], announced: [], attributes: {}, errors: [] };

/** A reflector that takes whoever comes, and has just started. */
function startReflector(network: SpeakerNetwork, maximumSeconds = 30): SpeakerNode {
  const node = network.speaker(reflectorAddress);
  node.speaker.setRanges([peerRange("0.0.0.0/0", { client: true, ...graceful })]);
  node.speaker.setRestarting(false, true);
  node.speaker.endOfRibDeferral.begin({ maximumSeconds, quietSeconds: 10, newcomers: true });
  return node;
}

function capabilities(options: { restarted?: boolean; asn?: number } = {}): readonly Capability[] {
  const { restarted = false, asn = 64512 } = options;
  return [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "fourOctetAs", asn },
    {
      name: "gracefulRestart",
      restarted,
      notification: false,
      restartTimeSeconds: 120,
      families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
    },
  ];
}

/** A client that has come, with what its OPEN offers. */
function client(
  to: SpeakerNode,
  address: string,
  offered: readonly Capability[] = capabilities(),
): ScriptedPeer {
  const peer = new ScriptedPeer(to, address);
  peer.establish({ capabilities: offered });
  return peer;
}

function ends({ view }: ScriptedPeer): number {
  return view.endOfRibs.length;
}

/** Three nodes with a prefix each, behind a reflector that has been there for long. */
function cluster(): { network: SpeakerNetwork; nodes: SpeakerNode[]; reflector: SpeakerNode } {
  const network = new SpeakerNetwork();
  const reflector = startReflector(network);
  const nodes = addresses.map((address, index) => {
    const node = network.speaker(address);
    node.speaker.setRestarting(false, true);
    node.speaker.addPeer(peerSettings(reflectorAddress, graceful));
    node.originate(`10.244.${index}.0/24`);
    return node;
  });
  network.advance(60);
  for (const node of nodes) assert.equal(node.routes().length, 3);
  return { network, nodes, reflector };
}

/** Is everything there, without a path that waits for a restart's end? */
function assertWhole(nodes: readonly SpeakerNode[]): void {
  for (const node of nodes) {
    assert.deepEqual(node.lost, [], `${node.address} lost routes`);
    const routes = node.routes();
    assert.equal(routes.length, 3);
    assert.ok(!routes.some((route) => route.endsWith("~")), `${node.address} is done waiting`);
  }
}

describe("a reflector that dies and comes back", () => {
  test("costs its clients no route, whoever is back first", () => {
    const { network, nodes, reflector } = cluster();
    reflector.crash();
    network.advance(3);
    const again = startReflector(network);
    // Its next dial is lost.
    network.cut(a, reflectorAddress);
    network.advance(3);
    assert.deepEqual(
      addresses.map((address) => again.state(address)),
      ["gone", "Established", "Established"],
    );
    assert.equal(nodes[1]?.routes().length, 3);
    network.mend(a, reflectorAddress);
    network.advance(60);
    assertWhole(nodes);
  });

  test("has them lose what did not come back, once nobody has come for the quiet time", () => {
    const { network, nodes, reflector } = cluster();
    reflector.crash();
    nodes[0]?.crash();
    network.advance(1);
    const again = startReflector(network);
    // The others are back after 5 s.
    network.advance(12);
    assert.deepEqual(nodes[1]?.lost, []);
    network.advance(4);
    assert.deepEqual(nodes[1]?.lost, ["10.244.0.0/24"]);
    assert.equal(again.routes().length, 2);
  });

  test("announces at once what it learns meanwhile", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const [first, second] = [client(reflector, a), client(reflector, b)];
    first.announce("10.244.9.0/24");
    assert.deepEqual([...second.view.routes.keys()], ["10.244.9.0/24"]);
    assert.equal(ends(second), 0);
  });
});

describe("a client that waits to be dialled", () => {
  /** As an FRR does that keeps the routes of a peer. */
  function waitingNode(network: SpeakerNetwork): SpeakerNode {
    const node = network.speaker(a);
    node.speaker.addPeer(peerSettings(reflectorAddress, { passive: true, ...graceful }));
    node.originate("10.244.0.0/24");
    return node;
  }

  test("is dialled by a reflector that remembers it, and a client of its range as before", () => {
    const network = new SpeakerNetwork();
    const node = waitingNode(network);
    const reflector = startReflector(network);
    reflector.speaker.recall(a);
    network.settle();
    assert.equal(reflector.state(a), "Established");
    assert.equal(reflector.speaker.peer(a)?.isDynamic, true);
    assert.equal(reflector.routes().length, 1);
    node.crash();
    network.advance(121);
    assert.equal(reflector.state(a), "gone");
  });

  test("is dialled again until the wait for it is over, and then forgotten", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    reflector.speaker.recall(a);
    network.advance(12);
    assert.equal(reflector.state(a), "Active");
    waitingNode(network);
    network.advance(5);
    assert.equal(reflector.state(a), "Established");
    const other = new SpeakerNetwork();
    const alone = startReflector(other);
    alone.speaker.recall(a);
    other.advance(29);
    assert.notEqual(alone.state(a), "gone");
    other.advance(1);
    assert.equal(alone.state(a), "gone");
    assert.equal(other.clock.pending, 0);
  });

  test("is not dialled where it is expected no more", () => {
    const network = new SpeakerNetwork();
    const node = network.speaker(reflectorAddress);
    node.speaker.recall(a);
    assert.equal(node.state(a), "gone");
  });
});

describe("the End-of-RIB of a reflector that has just started", () => {
  test("waits until nobody has come for the quiet time, and all have said theirs", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const first = client(reflector, a);
    first.endOfRib();
    network.advance(8);
    const second = client(reflector, b);
    network.advance(9);
    assert.deepEqual([ends(first), ends(second)], [0, 0], "another one came 9 s ago");
    network.advance(1);
    assert.deepEqual([ends(first), ends(second)], [0, 1], "the second waits for itself only");
    second.announce("10.244.7.0/24");
    second.endOfRib();
    assert.equal(ends(first), 1);
    assert.ok(first.view.routes.has("10.244.7.0/24"));
  });

  test("waits no longer than the maximum, however many come and whoever says nothing", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const first = client(reflector, a);
    for (let host = 2; host < 10; host++) {
      network.advance(3);
      client(reflector, `10.0.0.${host}`);
    }
    network.advance(5);
    assert.equal(ends(first), 0);
    network.advance(1);
    assert.equal(ends(first), 1);
    assert.equal(ends(client(reflector, "10.0.0.20")), 1);
  });

  test("does not wait for who has no graceful restart, nor for who is gone again", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const first = client(reflector, a);
    first.endOfRib();
    client(reflector, b, capabilities().slice(0, 2));
    const third = client(reflector, c);
    network.advance(10);
    assert.equal(ends(first), 0);
    third.disconnect();
    assert.equal(ends(first), 1);
  });

  test("comes after all that was to be said by then", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const slow = client(reflector, a);
    slow.endOfRib();
    reflector.stall(a, true);
    const other = client(reflector, b);
    other.announce("10.244.1.0/24");
    other.announce("10.244.2.0/24");
    other.endOfRib();
    network.advance(11);
    reflector.stall(a, false);
    network.settle();
    assert.equal(ends(slow), 1);
    assert.equal(slow.view.routes.size, 2);
    const last = slow.messages.filter(({ type }) => type === "UPDATE").at(-1);
    assert.deepEqual(last, { type: "UPDATE", update: endOfRib }, "End-of-RIB is the last of all");
  });

  test("does not wait for those who have restarted where it goes to one that has, too", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    const [first, second] = [a, b].map((address) =>
      client(reflector, address, capabilities({ restarted: true })),
    ) as [ScriptedPeer, ScriptedPeer];
    const other = client(reflector, c);
    other.endOfRib();
    network.advance(10);
    assert.deepEqual([ends(first), ends(second), ends(other)], [1, 1, 0]);
    first.endOfRib();
    second.endOfRib();
    assert.equal(ends(other), 1);
  });

  test("is sent at once when the wait is over, and when there is none", () => {
    const network = new SpeakerNetwork();
    const reflector = startReflector(network);
    client(reflector, a).endOfRib();
    network.advance(11);
    assert.equal(ends(client(reflector, b)), 1);
    const other = new SpeakerNetwork();
    assert.equal(ends(client(startReflector(other, 0), a)), 1);
    assert.equal(
      other.clock.pending,
      4,
      "hold, send hold, keepalive and the forgetting of failures",
    );
  });

  test("goes to another reflector before that one's: two that restart together do not wait for each other", () => {
    const network = new SpeakerNetwork();
    const reflectors = ["10.0.0.100", "10.0.0.101"].map((address) => {
      const node = network.speaker(address);
      node.speaker.setRanges([peerRange("0.0.0.0/0", { client: true, ...graceful })]);
      node.speaker.setRestarting(false, true);
      node.speaker.endOfRibDeferral.begin({
        maximumSeconds: 30,
        quietSeconds: 10,
        newcomers: true,
      });
      return node;
    }) as [SpeakerNode, SpeakerNode];
    reflectors[0].peerWith(reflectors[1], graceful);
    const one = client(reflectors[0], a);
    const other = client(reflectors[1], b);
    one.endOfRib();
    other.endOfRib();
    network.advance(12);
    assert.deepEqual([ends(one), ends(other)], [1, 1]);
  });
});

describe("the End-of-RIB of a node that has restarted", () => {
  function node(): { network: SpeakerNetwork; restarted: SpeakerNode } {
    const network = new SpeakerNetwork();
    const restarted = network.speaker(a);
    restarted.speaker.setRestarting(true, true);
    restarted.speaker.endOfRibDeferral.begin({
      maximumSeconds: 30,
      quietSeconds: 10,
      newcomers: false,
    });
    restarted.speaker.addPeer(peerSettings(b, { passive: true, ...graceful }));
    return { network, restarted };
  }

  test("waits for nobody where it passes nothing on", () => {
    const { restarted } = node();
    restarted.speaker.addPeer(peerSettings(c, { passive: true, ...graceful }));
    assert.equal(ends(client(restarted, b)), 1);
  });

  test("waits for a router whose routes it passes on", () => {
    const { restarted } = node();
    restarted.speaker.addPeer(peerSettings(c, { passive: true, asn: 65001, ...graceful }));
    const internal = client(restarted, b);
    assert.equal(ends(internal), 0);
    const router = new ScriptedPeer(restarted, c, { asn: 65001 });
    router.establish({ capabilities: capabilities({ asn: 65001 }) });
    assert.equal(ends(internal), 0);
    router.endOfRib();
    assert.equal(ends(internal), 1);
  });

  test("waits for one that is not there until nobody has come for the quiet time", () => {
    const { network, restarted } = node();
    restarted.speaker.addPeer(peerSettings(c, { passive: true, asn: 65001, ...graceful }));
    const internal = client(restarted, b);
    network.advance(9);
    assert.equal(ends(internal), 0);
    network.advance(1);
    assert.equal(ends(internal), 1);
  });
});
