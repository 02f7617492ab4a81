import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { type LocalEnd, nextHopSelf } from "../../../src/bgp/next-hop-self.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import {
  peerSettings,
  prefix,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const families = [ipv4Unicast, ipv6Unicast];

describe("our own next hop of a family", () => {
  const localEnd = { 4: "192.0.2.1", 6: "2001:db8::1" };
  const config = { nextHopSelf: { 6: "2001:db8::2" } };
  const of = (
    changes: Partial<PeerSettings>,
    end: LocalEnd = localEnd,
    extendedNextHop = false,
  ): string[] => {
    const settings = peerSettings("192.0.2.9", changes);
    const session = { settings, config, localEnd: end, extendedNextHop };
    return families.map((family) => nextHopSelf(family, session));
  };

  test("is the peer's setting, else the speaker's own address, else that of our end", () => {
    assert.deepEqual(of({}), ["192.0.2.1", "2001:db8::2"]);
    assert.deepEqual(of({ nextHopIpv4: "192.0.2.3", nextHopIpv6: "2001:db8::3" }), [
      "192.0.2.3",
      "2001:db8::3",
    ]);
    assert.deepEqual(of({}, {}), ["", "2001:db8::2"]);
  });

  test("is IPv6 for both over IPv6, or where there is no IPv4 address, if RFC 8950 is in force", () => {
    const both = ["2001:db8::2", "2001:db8::2"];
    assert.deepEqual(of({}, { ...localEnd, version: 6 }, true), both);
    assert.deepEqual(of({}, { 6: "2001:db8::1", version: 4 }, true), both);
    assert.deepEqual(of({}, { ...localEnd, version: 4 }, true), ["192.0.2.1", "2001:db8::2"]);
    const named = { nextHopIpv4: "192.0.2.3" };
    assert.deepEqual(of(named, { ...localEnd, version: 6 }, true), ["192.0.2.3", "2001:db8::2"]);
    assert.deepEqual(of({}, { ...localEnd, version: 6 }), ["192.0.2.1", "2001:db8::2"]);
  });
});

describe("routes to another AS over a session of the other IP version", () => {
  const route = "2001:db8:1::/48";

  function speakers(): { network: SpeakerNetwork; ours: SpeakerNode; theirs: SpeakerNode } {
    const network = new SpeakerNetwork();
    const ours = network.speaker("10.0.0.1", { nextHopSelf: { 4: "10.0.0.1" } });
    const theirs = network.speaker("10.0.0.2", { asn: 65_001 });
    const settings = { families, policy: "accept-all" } as const;
    ours.peerWith(theirs, { ...settings, asn: 65_001 }, settings);
    ours.speaker.originate(
      [prefix("10.244.1.0/24")],
      [{ prefix: prefix(route), nextHop: "2001:db8::77" }],
    );
    network.settle();
    return { network, ours, theirs };
  }

  test("are not announced without an address of ours, End-of-RIB is; and are once there is one", () => {
    const { network, ours, theirs } = speakers();
    assert.equal(theirs.attributesOf(route), undefined);
    assert.equal(theirs.attributesOf("10.244.1.0/24")?.nextHop, "10.0.0.1");
    assert.ok(theirs.speaker.peer("10.0.0.1")?.hasSentEndOfRib);
    const peer = ours.speaker.peer("10.0.0.2");
    assert.ok(peer !== undefined);
    const change = (changes: Partial<PeerSettings>): void => {
      assert.equal(ours.speaker.updatePeer({ ...peer.settings, ...changes }), false);
      network.settle();
    };
    change({ nextHopIpv6: "2001:db8::1" });
    assert.equal(theirs.attributesOf(route)?.nextHop, "2001:db8::1");
    change({ nextHopIpv6: undefined });
    assert.equal(theirs.attributesOf(route), undefined);
    change({ nextHop: "unchanged" });
    assert.equal(theirs.attributesOf(route)?.nextHop, "2001:db8::77");
  });
});
