import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { MessageType } from "../../../src/bgp/iana.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { codec } from "../../support/peer-view.ts";
import {
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const own = "10.0.0.1";
const pods = "10.244.1.0/24";
const nextHop = "2001:db8::9";
const linkLocalNextHop = "fe80::9";
const reach = { mpReach: { afi: 1, safi: 1, nlri: [{ prefix: pods }] } };
const capability: Capability = {
  name: "extendedNextHop",
  families: [{ afi: 1, safi: 1, nextHopAfi: 2 }],
};

/** An Established peer that offers RFC 8950 or not, of a speaker that does or not. */
function peerOf(
  node: SpeakerNode,
  address: string,
  offers: { readonly ours: boolean; readonly theirs: boolean },
  settings: Partial<PeerSettings> = {},
): ScriptedPeer {
  const { asn = 64_512 } = settings;
  assert.ok(typeof asn === "number");
  const { ours: extendedNextHop } = offers;
  node.speaker.addPeer(peerSettings(address, { passive: true, asn, extendedNextHop, ...settings }));
  const peer = new ScriptedPeer(node, address, { asn });
  if (offers.theirs) {
    peer.open = { ...peer.open, capabilities: [...peer.open.capabilities, capability] };
  }
  peer.context = codec({ extendedNextHop: true });
  peer.establish();
  return peer;
}

const both = { ours: true, theirs: true };
const neither = { ours: false, theirs: false };

/** The IPv4 route with an IPv6 next hop, as the peer announces it. */
function announce(peer: ScriptedPeer, link?: string): void {
  const { asn } = peer.open;
  const asPath = asn === 64_512 ? [] : [{ type: 2, asns: [asn] } as const];
  const linkLocal = link === undefined ? {} : { linkLocalNextHop: link };
  peer.update({
    ...reach,
    attributes: { origin: 0, asPath, localPref: 100, nextHop, ...linkLocal },
  });
}

describe("IPv4 routes with IPv6 next hops (RFC 8950)", () => {
  test("are offered where that is configured, and for IPv4 alone", () => {
    const node = new SpeakerNetwork().speaker(own);
    const offered = (peer: ScriptedPeer): unknown => {
      const open = peer.messages.find((message) => message.type === "OPEN");
      return open?.open.capabilities.find(({ name }) => name === "extendedNextHop");
    };
    assert.deepEqual(offered(peerOf(node, "10.0.0.2", both)), capability);
    assert.equal(offered(peerOf(node, "10.0.0.3", neither)), undefined);
    assert.equal(node.speaker.peer("10.0.0.2")?.negotiated?.extendedNextHop, true);
    assert.equal(node.speaker.peer("10.0.0.3")?.negotiated?.extendedNextHop, false);
  });

  test("are taken, with one address or with two", () => {
    const node = new SpeakerNetwork().speaker(own);
    const peer = peerOf(node, "10.0.0.2", both);
    announce(peer);
    assert.equal(node.attributesOf(pods)?.nextHop, nextHop);
    announce(peer, linkLocalNextHop);
    assert.equal(node.attributesOf(pods)?.linkLocalNextHop, linkLocalNextHop);
    peer.withdraw(pods);
    assert.equal(node.attributesOf(pods), undefined);
  });

  test("reset a session on which we have not offered to take them (RFC 7606 §7.11), though others may send the same octets", () => {
    const node = new SpeakerNetwork().speaker(own);
    announce(peerOf(node, "10.0.0.2", both));
    const peer = peerOf(node, "10.0.0.3", { ours: false, theirs: true });
    announce(peer);
    assert.deepEqual(peer.notifications(), ["3/9"]);
  });

  test("are passed on to those who take them, and to nobody else", () => {
    const node = new SpeakerNetwork().speaker(own);
    const client = { client: true };
    const from = peerOf(node, "10.0.0.2", both, client);
    const takes = peerOf(node, "10.0.0.3", both, client);
    const does = [{ ours: true, theirs: false }, { ours: false, theirs: true }, neither];
    const others = does.map((offers, index) => peerOf(node, `10.0.0.${index + 4}`, offers, client));
    announce(from);
    assert.equal(takes.view.routes.get(pods)?.nextHop, nextHop);
    assert.deepEqual(takes.view.routes.get(pods)?.clusterList, [0x0a000001]);
    for (const other of others) assert.equal(other.view.routes.size, 0);
    from.withdraw(pods);
    assert.equal(takes.view.routes.size, 0);
    for (const other of others) assert.equal(other.view.routes.size, 0);
  });

  test("come with ourselves to another AS, IPv4 where the peer takes no other", () => {
    const node = new SpeakerNetwork().speaker(own, {
      nextHopSelf: { 4: own, 6: "2001:db8::1" },
    });
    const external = { asn: 65_001, policy: "accept-all" } as const;
    const from = peerOf(node, "10.0.0.2", both);
    const plain = peerOf(node, "10.0.0.3", neither, external);
    const third = peerOf(node, "10.0.0.4", neither, { ...external, nextHop: "third-party" });
    const asItIs = peerOf(node, "10.0.0.5", neither, { ...external, nextHop: "unchanged" });
    const takes = peerOf(node, "10.0.0.6", both, { ...external, nextHop: "unchanged" });
    announce(from);
    assert.equal(plain.view.routes.get(pods)?.nextHop, own);
    assert.equal(third.view.routes.get(pods)?.nextHop, own);
    assert.equal(asItIs.view.routes.get(pods), undefined);
    assert.equal(takes.view.routes.get(pods)?.nextHop, nextHop);
  });

  test("replace those with IPv4 ones, and are replaced by them, in one announcement each", () => {
    const node = new SpeakerNetwork().speaker(own);
    const from = peerOf(node, "10.0.0.2", both, { client: true });
    const takes = peerOf(node, "10.0.0.3", both, { client: true });
    const plain = peerOf(node, "10.0.0.4", neither, { client: true });
    from.announce(pods);
    assert.equal(plain.view.routes.get(pods)?.nextHop, "10.0.0.2");
    announce(from);
    assert.equal(takes.view.routes.get(pods)?.nextHop, nextHop);
    assert.equal(plain.view.routes.get(pods), undefined);
    from.announce(pods);
    assert.equal(takes.view.routes.get(pods)?.nextHop, "10.0.0.2");
    assert.equal(plain.view.routes.get(pods)?.nextHop, "10.0.0.2");
    assert.equal(node.speaker.peer("10.0.0.3")?.sent[MessageType.update], 4, "End-of-RIB, three");
  });

  test("are what a speaker without an IPv4 address originates", () => {
    const node = new SpeakerNetwork().speaker(own, { nextHopSelf: { 6: "2001:db8::1" } });
    const takes = peerOf(node, "10.0.0.3", both);
    const plain = peerOf(node, "10.0.0.4", neither);
    node.speaker.originate([prefix(pods)]);
    node.network.settle();
    assert.equal(takes.view.routes.get(pods)?.nextHop, "2001:db8::1");
    assert.equal(plain.view.routes.get(pods), undefined);
    assert.equal(node.attributesOf(pods)?.nextHop, "2001:db8::1");
  });
});
