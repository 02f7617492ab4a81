/** Prefixes and next hops that are nobody's to announce, over real sockets: counted, logged with the reason, and not used. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast, ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import type { SpeakerConfig } from "../../../src/bgp/speaker-config.ts";
import { prefix } from "../../support/speaker-harness.ts";
import { hex, message } from "../../vectors/hex.ts";
import { attributes, openMessage, updateMessage, WireScene } from "./scene.ts";

const usual = attributes();

function octet(value: number): string {
  return value.toString(16).padStart(2, "0");
}

describe("routes that are nobody's", { timeout: 60_000 }, () => {
  const own = { ownAddresses: ["192.0.2.1"], nextHopSelf: { 4: "192.0.2.1" } } as const;

  test("a next hop that is ourselves is not used", async () => {
    await using scene = await WireScene.start({}, own);
    using session = await scene.established();
    await session.peer.send(updateMessage(attributes({ nextHop: "c0000201" }), "18 0ae902"));
    await session.peer.send(updateMessage(usual, "18 0ae903"));
    await session.isWell();
    assert.equal(scene.selected(ipv4Unicast), 1);
    assert.deepEqual(scene.offences, { "own-next-hop": 1 });
    assert.equal(scene.linesOf(/odd UPDATE: the next hop is our own address/), 1);
  });

  const martians = [
    ...["08 00", "18 00c0a8", "08 7f", "20 7f000001", "10 a9fe", "20 a9fea9fe"],
    ...["04 e0", "20 e0000001", "04 f0", "20 ffffffff"],
  ];
  for (const martian of martians) {
    test(`the prefix ${martian} is not used, the one beside it is`, async () => {
      await using scene = await WireScene.start();
      using session = await scene.established();
      await session.peer.send(updateMessage(usual, `${martian} 18 0ae902`));
      await session.isWell();
      assert.equal(scene.selected(ipv4Unicast), 1);
      assert.deepEqual(scene.offences, { "martian-prefix": 1 });
      assert.equal(scene.linesOf(/odd UPDATE: .* is nobody's to announce/), 1);
    });
  }

  const everything = [prefix("0.0.0.0/0"), prefix("::/0")];
  for (const martian of martians) {
    test(`nor is ${martian} where importPrefixes are everything`, async () => {
      await using scene = await WireScene.start({ importPrefixes: everything });
      using session = await scene.established();
      await session.peer.send(updateMessage(usual, `${martian} 18 0ae902 00`));
      await session.isWell();
      assert.equal(scene.selected(ipv4Unicast), 2, "a host, and the default route");
      assert.deepEqual(scene.offences, { "martian-prefix": 1 });
      assert.equal(scene.linesOf(/odd UPDATE: .* is nobody's to announce/), 1);
    });
  }

  test("a block that importPrefixes name is used, one around it is not", async () => {
    const importPrefixes = [...everything, prefix("169.254.0.0/17")];
    await using scene = await WireScene.start({ importPrefixes });
    using session = await scene.established();
    await session.peer.send(updateMessage(usual, "18 a9fe01 20 a9fe0203"));
    await session.isWell();
    assert.equal(scene.selected(ipv4Unicast), 2);
    assert.deepEqual(scene.offences, {});
    await session.peer.send(updateMessage(usual, "10 a9fe 18 a9fe80"));
    await session.isWell();
    assert.equal(scene.selected(ipv4Unicast), 2);
    assert.deepEqual(scene.offences, { "martian-prefix": 1 });
  });

  const zeros = "00".repeat(16);
  const ipv6Open = openMessage({ capabilities: "0104 00020001 4104 0000fc00 0200 4600" });
  const global = "20010db8000000000000000000000009";
  const routed = "30 20010db80001";
  /** Of MP_REACH_NLRI, all hex. */
  const reach = (hop: string, nlri: string): Uint8Array => {
    const value = `0002 01 ${octet(hex(hop).length)} ${hop} 00 ${nlri}`;
    return updateMessage(
      `40010100 400200 40050400000064 800e ${octet(hex(value).length)} ${value}`,
    );
  };
  const refreshIpv6 = message(MessageType.routeRefresh, "0002 00 01");
  const inIpv6 = async (
    sent: readonly Uint8Array[],
    config: Partial<SpeakerConfig> = {},
  ): Promise<WireScene> => {
    const scene = await WireScene.start({ families: [ipv6Unicast] }, config);
    using session = await scene.established(ipv6Open);
    await session.peer.send(Buffer.concat([...sent, refreshIpv6]));
    // BoRR, what there is to tell, EoRR.
    while ((await session.expectAny())[headerOctets + 2] !== 2);
    return scene;
  };

  for (const [martian, use] of [
    ["80 00000000000000000000000000000001", "loopback"],
    ["0a fe80", "link local"],
    ["40 fe80000000000000", "link local"],
    ["08 ff", "multicast"],
    ["60 00000000000000000000ffff", "IPv4-mapped"],
  ] as const) {
    test(`the IPv6 prefix ${martian} (${use}) is not used, the one beside it is`, async () => {
      await using scene = await inIpv6([reach(global, `${martian} ${routed}`)]);
      assert.equal(scene.selected(ipv6Unicast), 1);
      assert.deepEqual(scene.offences, { "martian-prefix": 1 });
      assert.equal(scene.linesOf(/odd UPDATE: .* is nobody's to announce/), 1);
    });
  }

  test("an IPv6 next hop that is ourselves is not used", async () => {
    const ourselves = { ownAddresses: ["2001:db8::9"] };
    await using scene = await inIpv6([reach(global, routed)], ourselves);
    assert.equal(scene.selected(ipv6Unicast), 0);
    assert.deepEqual(scene.offences, { "own-next-hop": 1 });
    assert.equal(scene.linesOf(/odd UPDATE: the next hop is our own address/), 1);
  });

  const linkLocal = `fe80${zeros.slice(6)}09`;
  const loopback = `${zeros.slice(2)}01`;
  const multicast = `ff02${zeros.slice(6)}01`;
  const mapped = `${zeros.slice(12)}ffff7f000001`;
  for (const hop of [
    ...[zeros, loopback, multicast, mapped],
    ...[loopback, multicast, mapped].map((first) => first + linkLocal),
  ]) {
    test(`an IPv6 next hop of ${hop} withdraws the route`, async () => {
      await using scene = await inIpv6([reach(global, routed), reach(hop, routed)]);
      assert.equal(scene.selected(ipv6Unicast), 0);
      assert.deepEqual(scene.offences, { "treat-as-withdraw": 1, "martian-next-hop": 1 });
      assert.equal(scene.linesOf(/malformed UPDATE: .* is no host's address/), 1);
    });
  }

  for (const hop of ["00000000", "00000001", "7f000001", "e0000001", "f0000001", "ffffffff"]) {
    test(`a next hop of ${hop} withdraws the route`, async () => {
      await using scene = await WireScene.start();
      using session = await scene.established();
      await session.peer.send(updateMessage(usual, "18 0ae902"));
      await session.isWell();
      assert.equal(scene.selected(ipv4Unicast), 1);
      await session.peer.send(updateMessage(attributes({ nextHop: hop }), "18 0ae902"));
      await session.isWell();
      assert.equal(scene.selected(ipv4Unicast), 0);
      assert.deepEqual(scene.offences, { "treat-as-withdraw": 1, "martian-next-hop": 1 });
      assert.equal(scene.linesOf(/malformed UPDATE: NEXT_HOP: .* is no host's address/), 1);
    });
  }
});
