import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { explain } from "../../../src/agent/explanation.ts";
import { feedRoutes } from "../../../src/agent/feed/selected-routes.ts";
import { Felix } from "../../../src/felix/felix.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { MemoryKernel } from "../../support/memory-kernel.ts";
import { MemoryNft } from "../../support/memory-nft.ts";
import { NftJson } from "../../support/nft-json.ts";
import { peerSettings, SpeakerNetwork, type SpeakerNode } from "../../support/speaker-harness.ts";

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** Two nodes of the speaker's test network; the first one's routes go into a kernel in memory. */
describe("explain", () => {
  let network: SpeakerNetwork;
  let kernel: MemoryKernel;
  let node: SpeakerNode;
  let peer: SpeakerNode;
  let felix: Felix;
  let nft: MemoryNft;

  beforeEach(async () => {
    kernel = new MemoryKernel();
    const { ifindex } = kernel.addLink("eth0", { up: true });
    kernel.addAddress(ifindex, "192.168.1.2", 24);
    nft = new MemoryNft();
    network = new SpeakerNetwork();
    node = network.speaker("192.168.1.2");
    peer = network.speaker("192.168.1.3");
    felix = new Felix({
      nodeAddress: "192.168.1.2",
      podCidrs: [prefix("10.233.1.0/24")],
      podPools: [prefix("10.233.0.0/16")],
      encapsulation: "cross-subnet",
      protocol: 77,
      table: 254,
      metric: 0,
      netlink: kernel.open(),
      firewall: {
        settings: { masquerade: "never", guard: "never", forward: "accept" },
        ...{ podPools: [prefix("10.233.0.0/16")], pools: [], nodes: [] },
      },
      nftables: { nft, watch: nft.watch },
      sysctl: { read: () => Promise.resolve("1"), write: () => Promise.resolve() },
      clock: network.clock,
      logger: silentLogger,
      rtProtosDirectory: "/nonexistent",
    });
    await felix.start();
    node.speaker.addPeer(peerSettings("192.168.1.3", { name: "a2" }));
    peer.speaker.addPeer(peerSettings("192.168.1.2", { passive: true }));
    node.speaker.originate([prefix("10.233.1.0/24")]);
    network.settle();
  });
  afterEach(() => felix.stop({ cleanup: false }));

  /** Has the other node announce, and the programmer write what was learnt. */
  async function learn(...prefixes: string[]): Promise<void> {
    peer.speaker.originate(prefixes.map(prefix));
    network.settle();
    for (const rib of node.speaker.ribs.values()) {
      const length = rib.prefixes.end;
      const changes = { length, prefix: (index: number) => index, spread: [] };
      feedRoutes(
        node.speaker,
        felix,
        rib,
        changes as unknown as Parameters<typeof feedRoutes>[3],
        silentLogger,
      );
    }
    await felix.settled();
  }

  async function story(address: string): Promise<string[]> {
    const programmed = await felix.explain(address);
    const { speaker } = node;
    const told = explain({ address, speaker, clock: network.clock, felix: programmed });
    const steps = (told.steps ?? []).map(
      ({ stage, ok, title }) => `${ok ? "✓" : "✗"} ${stage}: ${title}`,
    );
    assert.equal(
      told.ok,
      steps.every((step) => step.startsWith("✓")),
    );
    return [...steps, told.verdict ?? ""];
  }

  test("follows a route from its session to the kernel", async () => {
    await learn("10.233.2.0/24");
    assert.deepEqual(await story("10.233.2.7"), [
      "✓ session: Established with a2 (192.168.1.3) for 0s",
      "✓ path: 10.233.2.0/24 from 192.168.1.3, next hop 192.168.1.3",
      "✓ decision: the only path",
      "✓ segment: 192.168.1.3 is reached straight through eth0",
      "✓ kernel: the kernel uses 10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
      "10.233.2.7 is reached straight by 192.168.1.3 on eth0.",
    ]);
  });

  test("finds the foreign route that stands in the way", async () => {
    const other = kernel.open();
    const hops = [{ gateway: "192.168.1.9", ifindex: 2, onlink: false, weight: 1 }];
    const path = { type: "unicast", hops, source: undefined, extras: "" } as const;
    await other.applyRoutes([{ op: "create", prefix: prefix("10.233.2.0/24"), metric: 0, path }], {
      protocol: 4,
      table: 254,
    });
    await learn("10.233.2.0/24");
    const told = await story("10.233.2.7");
    assert.equal(
      told.at(-2),
      "✗ kernel: the kernel uses 10.233.2.0/24 via 192.168.1.9 dev eth0 proto static",
    );
    assert.match(told.at(-1) ?? "", /^10\.233\.2\.7 is not reached as it should be: /);
  });

  test("ends with the firewall where another program's rules have a say", async () => {
    await learn("10.233.2.0/24");
    nft.others = [new NftJson("inet mine").forward("forward", "drop")];
    nft.touch("inet mine");
    const dropped = await story("10.233.2.7");
    const text = "inet mine forward drops packets of 10.233.0.0/16 by its policy";
    assert.deepEqual(dropped.slice(-2), [
      `✗ firewall: ${text}`,
      `10.233.2.7 is not reached as it should be: ${text}.`,
    ]);
    nft.others = [new NftJson("ip filter").forward("FORWARD", "drop")];
    nft.touch("inet mine", "ip filter");
    const passed = await story("10.233.2.7");
    assert.equal(
      passed.at(-2),
      "✓ firewall: rules of ours in ip filter FORWARD let packets of 10.233.0.0/16 through",
    );
    assert.equal(passed.at(-1), "10.233.2.7 is reached straight by 192.168.1.3 on eth0.");
  });

  test("knows that a vacant address of our own pod CIDR is meant to be unreachable", async () => {
    await learn();
    assert.deepEqual((await story("10.233.1.99")).slice(-2), [
      "✓ kernel: no pod has 10.233.1.99: the kernel answers unreachable",
      "10.233.1.99 is inside our own pod CIDR, and no pod has it.",
    ]);
  });

  test("names the session that is down when there is no route", async () => {
    network.deafen("192.168.1.3");
    node.speaker.addPeer(peerSettings("192.168.1.4", { name: "a3" }));
    network.settle();
    const programmed = await felix.explain("10.233.3.1");
    const { clock } = network;
    const { ok, steps, verdict } = explain({
      address: "10.233.3.1",
      speaker: node.speaker,
      clock,
      felix: programmed,
    });
    assert.equal(ok, false);
    assert.deepEqual(steps?.[0]?.details, ["a3 (192.168.1.4) is Active"]);
    assert.equal(verdict, "margay has no route to 10.233.3.1.");
  });
});
