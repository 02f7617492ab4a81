import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;
const OUTSIDE = "10.50.0.0/24";
const ADDRESSES = Array.from({ length: 64 }, (_, index) => `10.50.0.${index + 1}`);
const SPEAKERS = ["192.168.1.3", "192.168.1.4"];

function speakerFile(address: string, prefixes: readonly string[]): Record<string, unknown> {
  return {
    ...{ asn: 64600, routerId: address, listen: { address } },
    originate: prefixes.map((prefix) => ({ prefix, nextHop: address })),
    peers: [{ address: "192.168.1.2", asn: 64512, policy: "accept-all" }],
  };
}

for (const nextHopObjects of ["never", "auto"]) {
  describe(`a prefix that two announce, next-hop objects: ${nextHopObjects}`, {
    skip,
    timeout: 120_000 * SLOWNESS,
  }, () => {
    const network = new Network(`mgmp-${nextHopObjects}`);
    const directory = mkdtempSync(join(tmpdir(), "margay-multipath-"));
    const margays: Margay[] = [];
    const ends: Namespace[] = [];
    let node: Margay;

    before(async () => {
      const segment = await network.segment("seg");
      for (const address of SPEAKERS) {
        const namespace = await network.namespace(`s${address.at(-1)}`);
        await network.plug(namespace, "eth0", segment, `${address}/24`);
        // It has every address of the prefix, so that it answers.
        await namespace.ip(`route add local ${OUTSIDE} dev lo`);
        ends.push(namespace);
        const speaker = new Margay(namespace, join(directory, address));
        margays.push(speaker);
        await speaker.startSpeaker(speakerFile(address, [OUTSIDE]));
      }
      const namespace = await network.namespace("node");
      await network.plug(namespace, "eth0", segment, "192.168.1.2/24");
      node = new Margay(namespace, join(directory, "node"));
      margays.push(node);
      const peers = SPEAKERS.map((address) => ({ address, asn: 64600, importPrefixes: [OUTSIDE] }));
      node.configure(
        {
          node: { name: "node" },
          bestPath: { maximumPaths: 2 },
          kernel: { nextHopObjects },
          peers,
        },
        {
          ...{ asn: 64512, podPools: ["10.233.0.0/16"] },
          members: [{ name: "node", address: "192.168.1.2", podCidrs: ["10.233.1.0/24"] }],
        },
      );
      await node.startNode();
    });

    after(async () => {
      for (const margay of margays) await margay.kill();
      await network.destroy();
      rmSync(directory, { recursive: true });
    });

    /** The second speaker announces these from now on. */
    function originate(prefixes: readonly string[]): void {
      const [, speaker] = margays;
      speaker?.configureSpeaker(speakerFile(SPEAKERS[1] as string, prefixes));
      speaker?.daemon.signal("SIGHUP");
    }

    const waysInKernel = async (): Promise<string[]> => {
      const text = await node.namespace.run(["ip", "route", "show", OUTSIDE]);
      return SPEAKERS.filter((address) => text.includes(`via ${address} `));
    };

    /** Pings each address once; how many requests came to each end. */
    async function requests(): Promise<number[]> {
      const earlier = await Promise.all(ends.map(received));
      for (const address of ADDRESSES) {
        await node.namespace.run(["ping", "-c", "1", "-W", String(2 * SLOWNESS), address]);
      }
      const then = await Promise.all(ends.map(received));
      return then.map((count, index) => count - (earlier[index] as number));
    }

    async function received(namespace: Namespace): Promise<number> {
      const text = await namespace.run(["nstat", "-asz", "IcmpMsgInType8"]);
      return Number(/IcmpMsgInType8\s+(\d+)/.exec(text)?.[1] ?? 0);
    }

    test("is one kernel route, and packets go to both", async () => {
      await until("two ways in the kernel", async () => (await waysInKernel()).length === 2);
      const [first = 0, second = 0] = await requests();
      assert.equal(first + second, ADDRESSES.length);
      assert.ok(first > 8 && second > 8, `${first} and ${second}`);
    });

    test("goes over the one that is left, without a lost packet, and over both again", async () => {
      originate([]);
      await until("one way", async () => (await waysInKernel()).length === 1);
      assert.deepEqual(await requests(), [ADDRESSES.length, 0]);
    });
  });
}
