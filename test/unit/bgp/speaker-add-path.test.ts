import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
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
  node.speaker.addPeer(peerSettings(b, { passive: true, addPath: { receive, send: 0 } }));
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
        addPath: { receive: true, send: 0 },
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

/** A reflector with two clients that announce one prefix, and a third that is sent several paths to it. */
function reflector(send: number | "all"): {
  hub: SpeakerNode;
  clients: readonly [ScriptedPeer, ScriptedPeer];
  taker: ScriptedPeer;
  takerAddress: string;
} {
  const hub = new SpeakerNetwork().speaker(a);
  const client = (address: string, settings: Partial<PeerSettings> = {}): ScriptedPeer => {
    hub.speaker.addPeer(peerSettings(address, { passive: true, client: true, ...settings }));
    return new ScriptedPeer(hub, address);
  };
  const clients = [client(b), client("10.0.0.3")] as const;
  const takerAddress = "10.0.0.9";
  const families = [ipv4Unicast, ipv6Unicast];
  const taker = client(takerAddress, { families, addPath: { receive: false, send } });
  taker.context = codec({ addPathReceive: new Set([ipv4Unicast.key]) });
  for (const one of clients) one.establish();
  taker.establish({ capabilities: capabilities(true, false) });
  return { hub, clients, taker, takerAddress };
}

function told({ view }: ScriptedPeer): string[] {
  return [...view.routes].map(([key, { nextHop }]) => `${key} ${nextHop}`).toSorted();
}

describe("several paths to a peer (RFC 7911)", () => {
  test("have identifiers that stay with them, whatever others do", () => {
    const { hub, clients, taker } = reflector("all");
    const [one, other] = clients;
    one.announce(prefix);
    other.announce(prefix);
    const both = [`${prefix}#1 ${b}`, `${prefix}#2 10.0.0.3`];
    assert.deepEqual(told(taker), both);
    // The other is the better one now, and keeps its identifier; only what changed is said.
    const before = taker.view.updates;
    other.announceWith({ localPref: 300 }, prefix);
    assert.deepEqual(told(taker), both);
    assert.equal(taker.view.updates, before + 1);
    one.withdraw(prefix);
    assert.deepEqual(told(taker), [`${prefix}#2 10.0.0.3`]);
    one.announce(prefix);
    assert.deepEqual(told(taker), both);
    const rib = hub.speaker.ribs.get(ipv4Unicast.key) ?? assert.fail();
    const ids: (number | undefined)[] = [];
    for (let row = rib.paths.first(0); row >= 0; row = rib.paths.next(row)) {
      ids.push(rib.sentPathId(0, row));
    }
    assert.deepEqual(new Set(ids), new Set([1, 2]));
  });

  test("are as many as the settings say, which may change under the session", () => {
    const { hub, clients, taker, takerAddress } = reflector(1);
    clients[0].announceWith({ localPref: 200 }, prefix);
    clients[1].announce(prefix);
    assert.deepEqual(told(taker), [`${prefix}#1 ${b}`]);
    const change = (send: number | "all"): boolean => {
      const addPath = { receive: false, send };
      const families = [ipv4Unicast, ipv6Unicast];
      const settings = peerSettings(takerAddress, {
        passive: true,
        client: true,
        families,
        addPath,
      });
      const ended = hub.speaker.updatePeer(settings);
      hub.network.settle();
      return ended;
    };
    assert.equal(change("all"), false);
    assert.deepEqual(told(taker), [`${prefix}#1 ${b}`, `${prefix}#2 10.0.0.3`]);
    assert.equal(change(1), false);
    assert.deepEqual(told(taker), [`${prefix}#1 ${b}`]);
    assert.equal(change(0), true, "the OPEN says another thing");
  });

  test("are offered in each family of the session, and one is sent to who does not take several", () => {
    const { hub, clients, taker } = reflector("all");
    for (const one of clients) one.announce(prefix);
    const offered = hub.speaker.peer(taker.address)?.negotiated?.localCapabilities;
    const families = [
      { afi: 1, safi: 1, receive: false, send: true },
      { afi: 2, safi: 1, receive: false, send: true },
    ];
    assert.deepEqual(
      offered?.find(({ name }) => name === "addPath"),
      { name: "addPath", families },
    );
    taker.disconnect();
    taker.context = codec();
    taker.establish({ capabilities: capabilities(false, false) });
    assert.deepEqual(told(taker), [`${prefix} ${b}`]);
  });
});
