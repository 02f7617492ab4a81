import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv6Unicast } from "../../../src/bgp/family/index.ts";
import type { LocalEnd } from "../../../src/bgp/next-hop-self.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import {
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const own = "10.0.0.1";
const global = "2001:db8::1";
const pods = "2001:db8:1::/48";
const reach = { mpReach: { afi: 2, safi: 1, nlri: [{ prefix: pods }] } };
const onLink: LocalEnd = { 4: own, 6: global, linkLocal: "fe80::1", device: "eth0" };

function start(): SpeakerNode {
  return new SpeakerNetwork().speaker(own, { nextHopSelf: { 4: own, 6: global } });
}

/** An Established peer of IPv6 routes. */
function peerOf(
  node: SpeakerNode,
  address: string,
  settings: Partial<PeerSettings> = {},
  localEnd: LocalEnd = onLink,
): ScriptedPeer {
  const { asn = 64_512 } = settings;
  assert.ok(typeof asn === "number");
  const families = [ipv6Unicast];
  node.speaker.addPeer(peerSettings(address, { passive: true, asn, families, ...settings }));
  node.localEnd = localEnd;
  const peer = new ScriptedPeer(node, address, { asn });
  const [, ...others] = peer.open.capabilities;
  const capabilities = [{ name: "multiprotocol", afi: 2, safi: 1 } as const, ...others];
  peer.establish({ capabilities });
  return peer;
}

function announce(peer: ScriptedPeer, nextHop: string, linkLocalNextHop?: string): void {
  const { asn } = peer.open;
  const asPath = asn === 64_512 ? [] : [{ type: 2, asns: [asn] } as const];
  const attributes = { origin: 0, asPath, localPref: 100, nextHop } as const;
  const link = linkLocalNextHop === undefined ? {} : { linkLocalNextHop };
  peer.update({ ...reach, attributes: { ...attributes, ...link } });
}

function told(peer: ScriptedPeer): readonly (string | undefined)[] {
  const { nextHop, linkLocalNextHop } = peer.view.routes.get(pods) ?? {};
  return [nextHop, linkLocalNextHop];
}

const external = { asn: 65_001, policy: "accept-all" } as const;

describe("link-local next hops (RFC 2545 §3)", () => {
  test("ours goes out beside the global one to who is on the same link, and to nobody else", () => {
    const node = start();
    const near = [peerOf(node, "10.0.0.2", external), peerOf(node, "10.0.0.3")];
    const { linkLocal, ...away } = onLink;
    const far = [peerOf(node, "10.0.0.4", external, away), peerOf(node, "10.0.0.5", {}, away)];
    node.speaker.originate([prefix(pods)]);
    node.network.settle();
    for (const peer of near) assert.deepEqual(told(peer), [global, linkLocal]);
    for (const peer of far) assert.deepEqual(told(peer), [global, undefined]);
  });

  test("it stands alone where we have no other", () => {
    const node = new SpeakerNetwork().speaker(own);
    const peer = peerOf(node, "10.0.0.2", external, { linkLocal: "fe80::1", device: "eth0" });
    node.speaker.originate([], [{ prefix: prefix(pods), nextHop: "2001:db8::77" }]);
    node.network.settle();
    assert.deepEqual(told(peer), ["fe80::1", undefined]);
  });

  test("somebody else's is taken, and passed on to who is on its link, and to nobody else", () => {
    const node = start();
    const from = peerOf(node, "10.0.0.2", { client: true });
    const to = [
      peerOf(node, "10.0.0.3", { client: true }),
      peerOf(node, "10.0.0.4", { client: true, exportCommunities: [1] }),
    ];
    const linkSubnets = [prefix("2001:db8::/64")];
    const near = peerOf(node, "10.0.0.5", { client: true }, { ...onLink, linkSubnets });
    announce(from, "2001:db8::2", "fe80::2");
    assert.equal(node.attributesOf(pods)?.linkLocalNextHop, "fe80::2");
    for (const peer of to) assert.deepEqual(told(peer), ["2001:db8::2", undefined]);
    assert.deepEqual(told(near), ["2001:db8::2", "fe80::2"]);
  });

  test("a path with nothing else goes to others with ourselves in its place, or not at all", () => {
    const node = start();
    const from = peerOf(node, "10.0.0.2", external);
    const internal = peerOf(node, "10.0.0.3");
    const self = peerOf(node, "10.0.0.4", { nextHop: "self" });
    const unchanged = peerOf(node, "10.0.0.5", { ...external, asn: 65_002, nextHop: "unchanged" });
    const third = peerOf(node, "10.0.0.6", { ...external, asn: 65_002, nextHop: "third-party" });
    announce(from, "fe80::2");
    assert.equal(node.attributesOf(pods)?.nextHop, "fe80::2");
    for (const peer of [internal, unchanged]) assert.equal(peer.view.routes.size, 0);
    for (const peer of [self, third]) assert.deepEqual(told(peer), [global, "fe80::1"]);
  });
});
