/** What `margay peer` shows of a session: what each side offered in its OPEN, and what of it is in force. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PeerView } from "../../../src/api/views.ts";
import { peerView } from "../../../src/agent/peer-view.ts";
import { families, ipv4Unicast } from "../../../src/bgp/family/index.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { openMessage, WireScene } from "./scene.ts";

/** Capabilities as hex, each of which somebody may leave out. */
const offers = {
  ipv4: "0104 00010001",
  ipv6: "0104 00020001",
  routeRefresh: "0200",
  extendedNextHop: "0506 000100010002",
  extendedMessages: "0600",
  role: "0901 00",
  gracefulRestart: "4006 c078 00010180",
  fourOctetAs: "4104 0000fc01",
  addPath: "4504 00010103",
  enhancedRouteRefresh: "4600",
} as const;
type Offer = keyof typeof offers;

const settings: Partial<PeerSettings> = {
  families,
  asn: "external",
  role: "customer",
  addPath: { receive: true, send: 2 },
  extendedNextHop: true,
  gracefulNotification: true,
  gracefulRestartSeconds: 120,
  sendHoldTimeSeconds: 600,
};

async function viewOf(offered: readonly Offer[], holdTime = "0009"): Promise<PeerView> {
  await using scene = await WireScene.start(settings);
  const capabilities = offered.map((name) => offers[name]).join(" ");
  using session = await scene.openConfirm(openMessage({ asn: "fc01", holdTime, capabilities }));
  await session.peer.send(Uint8Array.from([...Array(16).fill(255), 0, headerOctets, 4]));
  await session.expect(MessageType.update);
  const peer = scene.driver.speaker.peer(session.address);
  assert.ok(peer !== undefined);
  return peerView(peer, scene.driver, scene.clock);
}

const all = Object.keys(offers) as Offer[];

describe("what margay peer shows of a session", { timeout: 20_000 }, () => {
  test("everything that both sides offered is in force", async () => {
    const { localCapabilities, negotiated, remoteCapabilities, transport } = await viewOf(all);
    assert.partialDeepStrictEqual(negotiated, {
      holdTimeSeconds: 9,
      keepaliveSeconds: 3,
      localHoldTimeSeconds: 90,
      peerHoldTimeSeconds: 9,
      sendHoldTimeSeconds: 600,
      families: ["ipv4-unicast", "ipv6-unicast"],
      fourOctetAs: true,
      routeRefresh: true,
      enhancedRouteRefresh: true,
      extendedMessages: true,
      extendedNextHop: true,
      addPath: [{ family: "ipv4-unicast", receive: true, send: true }],
      gracefulRestart: {
        restartTimeSeconds: 120,
        restarted: true,
        families: ["ipv4-unicast"],
        notification: true,
      },
      localRole: "customer",
      peerRole: "provider",
    });
    const named = (of: PeerView["localCapabilities"]) =>
      of?.map(({ name, text }) => `${name} ${text}`);
    assert.ok(named(localCapabilities)?.includes("role customer"));
    assert.ok(named(remoteCapabilities)?.includes("role provider"));
    assert.equal(remoteCapabilities?.length, all.length);
    // A peer that may read nothing for ten minutes is not given up by the kernel after eight.
    assert.equal(transport?.userTimeoutSeconds, 600);
  });

  for (const [without, shown] of [
    ["ipv6", { families: ["ipv4-unicast"] }],
    ["routeRefresh", { routeRefresh: false }],
    ["enhancedRouteRefresh", { enhancedRouteRefresh: false }],
    ["extendedMessages", { extendedMessages: false }],
    ["extendedNextHop", { extendedNextHop: false }],
    ["addPath", { addPath: [] }],
    ["gracefulRestart", { gracefulRestart: undefined }],
    ["fourOctetAs", { fourOctetAs: false }],
    ["role", { localRole: "customer", peerRole: "" }],
  ] as const) {
    test(`${without} is not, where the peer does not offer it`, async () => {
      const { localCapabilities, negotiated, remoteCapabilities } = await viewOf(
        all.filter((name) => name !== without),
      );
      for (const [name, value] of Object.entries(shown)) {
        assert.deepEqual(negotiated?.[name as keyof typeof negotiated], value, name);
      }
      assert.equal(remoteCapabilities?.length, all.length - 1);
      assert.ok((localCapabilities?.length ?? 0) >= all.length);
    });
  }

  test("a hold time of 0 at the peer leaves none in force", async () => {
    assert.partialDeepStrictEqual((await viewOf(all, "0000")).negotiated, {
      holdTimeSeconds: 0,
      localHoldTimeSeconds: 90,
      peerHoldTimeSeconds: 0,
      sendHoldTimeSeconds: 0,
    });
  });

  for (const ours of [false, true]) {
    test(`the form of RFC 9072 in the peer's OPEN${ours ? " and in ours" : ""}`, async () => {
      await using scene = await WireScene.start({ extendedOpenParameters: ours });
      // One octet that says nothing, the extended form, 9 octets: capabilities, of 6.
      const parameters = `ff ff 0009 02 0006 ${offers.ipv4}`;
      using session = await scene.established(openMessage({ parameters }));
      const peer = scene.driver.speaker.peer(session.address);
      assert.ok(peer !== undefined);
      const { negotiated } = peerView(peer, scene.driver, scene.clock);
      assert.partialDeepStrictEqual(negotiated, {
        localExtendedParameters: ours,
        peerExtendedParameters: true,
      });
    });
  }

  test("within an AS roles mean nothing, and are not shown", async () => {
    await using scene = await WireScene.start({ role: "peer", families: [ipv4Unicast] });
    using session = await scene.established(
      openMessage({ capabilities: `${offers.ipv4} 4104 0000fc00 ${offers.role}` }),
    );
    const peer = scene.driver.speaker.peer(session.address);
    assert.ok(peer !== undefined);
    const { negotiated } = peerView(peer, scene.driver, scene.clock);
    assert.partialDeepStrictEqual(negotiated, { localRole: "", peerRole: "" });
  });
});
