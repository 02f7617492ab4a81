import assert from "node:assert/strict";
import { test } from "node:test";
import { ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { feedRoutes } from "../../../src/agent/feed/selected-routes.ts";
import { peerSettings, ScriptedPeer, SpeakerNetwork } from "../../support/speaker-harness.ts";
import { encodeSegmentClaim } from "../../../src/net/segment-claim.ts";
import { silentLogger } from "../../../src/platform/logger.ts";

const own = "10.0.0.1";
const pods = "10.244.1.0/24";

test("the programmer is told of every change of next hops, several at once where they are equal", () => {
  const decision = { maximumPaths: 4, alwaysCompareMed: false, missingMedAsWorst: false };
  const node = new SpeakerNetwork().speaker(own, { decision });
  const told: string[] = [];
  const felix: Parameters<typeof feedRoutes>[1] = {
    setRoute: ({ prefix, nextHops }) => told.push(`${prefix.text} via ${nextHops.join(" ")}`),
    removeRoute: ({ text }) => told.push(`${text} gone`),
  };
  node.bestPathsChanged = (rib, changes) =>
    feedRoutes(node.speaker, felix, rib, changes, silentLogger);
  const [first, second, third] = ["10.0.0.3", "10.0.0.2", "10.0.0.4"].map((address) => {
    node.speaker.addPeer(peerSettings(address, { passive: true }));
    const peer = new ScriptedPeer(node, address);
    peer.establish();
    return peer;
  }) as [ScriptedPeer, ScriptedPeer, ScriptedPeer];
  const step = (act: () => void): string[] => {
    told.length = 0;
    act();
    node.network.settle();
    return [...told];
  };
  assert.deepEqual(
    step(() => first.announce(pods)),
    [`${pods} via 10.0.0.3`],
  );
  assert.deepEqual(
    step(() => second.announce(pods)),
    [`${pods} via 10.0.0.2 10.0.0.3`],
  );
  assert.deepEqual(
    step(() => third.announceWith({ localPref: 99 }, pods)),
    [],
  );
  assert.deepEqual(
    step(() => third.announce(pods)),
    [`${pods} via 10.0.0.2 10.0.0.3 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => second.withdraw(pods)),
    [`${pods} via 10.0.0.3 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => first.disconnect()),
    [`${pods} via 10.0.0.4`],
  );
  assert.deepEqual(
    step(() => third.withdraw(pods)),
    [`${pods} gone`],
  );
  assert.deepEqual(
    step(() => node.originate(pods)),
    [`${pods} gone`],
  );
});

test("a link-local next hop has its device: the one that the peer's address names, else that of our end of the session", () => {
  const node = new SpeakerNetwork().speaker(own, {});
  const told: string[] = [];
  const felix: Parameters<typeof feedRoutes>[1] = {
    setRoute: ({ prefix, nextHops }) => told.push(`${prefix.text} via ${nextHops.join(" ")}`),
    removeRoute: ({ text }) => told.push(`${text} gone`),
  };
  node.bestPathsChanged = (rib, changes) =>
    feedRoutes(node.speaker, felix, rib, changes, silentLogger);
  node.localEnd = { device: "eth1" };
  const [plain, onLink] = ["10.0.0.2", "fe80::2%eth0"].map((address) => {
    node.speaker.addPeer(peerSettings(address, { passive: true, families: [ipv6Unicast] }));
    const peer = new ScriptedPeer(node, address);
    const [, ...others] = peer.open.capabilities;
    const multiprotocol = { name: "multiprotocol", afi: 2, safi: 1 } as const;
    peer.establish({ bgpIdentifier: 7, capabilities: [multiprotocol, ...others] });
    return peer;
  }) as [ScriptedPeer, ScriptedPeer];
  const announced = (peer: ScriptedPeer, nextHop: string, linkLocalNextHop?: string): string[] => {
    told.length = 0;
    const link = linkLocalNextHop === undefined ? {} : { linkLocalNextHop };
    const attributes = { origin: 0, asPath: [], localPref: 100, nextHop, ...link } as const;
    const nlri = [{ prefix: "2001:db8:1::/48" }];
    peer.update({ mpReach: { afi: 2, safi: 1, nlri }, attributes });
    node.network.settle();
    return [...told];
  };
  const via = (nextHop: string): string[] => [`2001:db8:1::/48 via ${nextHop}`];
  assert.deepEqual(announced(plain, "2001:db8::2", "fe80::2"), via("2001:db8::2"));
  assert.deepEqual(announced(plain, "fe80::2"), via("fe80::2%eth1"));
  plain.disconnect();
  assert.deepEqual(announced(onLink, "2001:db8::2", "fe80::2"), via("fe80::2%eth0"));
  assert.deepEqual(announced(onLink, "fe80::3"), via("fe80::3%eth0"));
  assert.deepEqual(announced(onLink, "2001:db8::4"), via("2001:db8::4"));
});

test("what a node announces of its segment comes with its routes, also when that alone changes", () => {
  const node = new SpeakerNetwork().speaker(own, {});
  const told: string[] = [];
  const ignored: string[] = [];
  const logger = { debug: (_: object, text: string) => ignored.push(text) };
  const felix: Parameters<typeof feedRoutes>[1] = {
    setRoute: ({ nextHops, claims = [] }) => {
      const said = claims.map(({ subnet, unheard }) => `${subnet.text} ${unheard.join(" ")}`);
      told.push(`${nextHops.join(" ")}: ${said.join(", ")}`);
    },
    removeRoute: () => told.push("gone"),
  };
  node.bestPathsChanged = (rib, changes) => feedRoutes(node.speaker, felix, rib, changes, logger);
  node.speaker.addPeer(peerSettings("10.0.0.2", { passive: true }));
  const peer = new ScriptedPeer(node, "10.0.0.2");
  peer.establish();
  for (const communities of [
    encodeSegmentClaim("10.0.0.2", 24, []),
    encodeSegmentClaim("10.0.0.2", 24, [own]),
    encodeSegmentClaim("10.0.0.2", 99, [own]),
    encodeSegmentClaim("10.0.0.9", 24, [own]),
  ]) {
    peer.announceWith({ extendedCommunities: communities }, pods);
    node.network.settle();
  }
  peer.announce(pods);
  node.network.settle();
  assert.deepEqual(told, [
    "10.0.0.2: 10.0.0.0/24 ",
    "10.0.0.2: 10.0.0.0/24 10.0.0.1",
    ...["10.0.0.2: ", "10.0.0.2: ", "10.0.0.2: "],
  ]);
  assert.deepEqual(ignored, [
    "what a node says of its segment is ignored: 10.0.0.2 has a mask of 99 bits",
  ]);
});
