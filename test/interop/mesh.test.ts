import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { FOREIGN_SPEAKERS, type ForeignSpeaker } from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { DAEMONS, scenario } from "./support/scenario.ts";

for (const kind of DAEMONS) {
  describe(`mesh with ${kind}`, () => {
    let pair: Pair;
    before(async () => {
      pair = await Pair.build("mesh", kind, { gracefulRestartSeconds: 3 });
      await pair.start();
      await pair.established();
    });
    after(() => pair?.[Symbol.asyncDispose]());

    const learned = (prefix: string): Promise<unknown> =>
      until(
        `margay to learn ${prefix}`,
        async () => (await pair.margay.route(prefix))?.candidates[0]?.best,
      );
    const forgotten = (prefix: string): Promise<unknown> =>
      until(
        `margay to forget ${prefix}`,
        async () => (await pair.margay.route(prefix)) === undefined,
      );

    scenario(
      "iBGP mesh (RFC 4271): learns the peer's pods, as the peer sent them, and routes to them",
      kind,
      async () => {
        await learned(FOREIGN_PODS);
        const [path] = (await pair.margay.route(FOREIGN_PODS))?.candidates ?? [];
        assert.equal(path?.peer, FOREIGN_ADDRESS);
        assert.equal(path?.nextHop, FOREIGN_ADDRESS);
        assert.equal(path?.asPath, "");
        assert.equal(path?.localPref, 100);
        assert.equal(path?.status, "best");
        await until("the kernel to have the route", () =>
          pair.kernelRoute(FOREIGN_PODS).then(Boolean),
        );
        assert.match(
          await pair.kernelRoute(FOREIGN_PODS),
          /^10\.233\.2\.0\/24 via 192\.0\.2\.2 dev eth0 proto (margay|77)\s*$/,
        );
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): announces its own pods with itself as next hop",
      kind,
      async () => {
        await until(
          `${kind} to learn ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length > 0,
        );
        const paths = await pair.foreignPaths(MARGAY_PODS);
        assert.equal(paths.length, 1);
        assert.equal(paths[0]?.nextHop, MARGAY_ADDRESS);
        assert.deepEqual(paths[0]?.asPath, []);
        assert.equal(paths[0]?.localPreference, 100);
      },
    );

    scenario("iBGP mesh (RFC 4271): sends End-of-RIB", kind, async () => {
      await until(`${kind} to receive End-of-RIB`, () =>
        pair.foreign.endOfRibReceived(MARGAY_ADDRESS),
      );
    });

    scenario(
      "iBGP mesh (RFC 4271): follows announcement and withdrawal, down to the kernel",
      kind,
      async () => {
        await pair.foreign.announce("10.233.77.0/24");
        await learned("10.233.77.0/24");
        await until("the kernel to have it", () =>
          pair.kernelRoute("10.233.77.0/24").then(Boolean),
        );
        await pair.foreign.withdraw("10.233.77.0/24");
        await forgotten("10.233.77.0/24");
        await until(
          "the kernel to lose it",
          async () => (await pair.kernelRoute("10.233.77.0/24")) === "",
        );
        assert.match(await pair.kernelRoute(FOREIGN_PODS), /via 192\.0\.2\.2/);
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): takes nothing outside the pod pools from a mesh peer, and says so",
      kind,
      async () => {
        await pair.foreign.announce("198.51.100.0/24");
        const path = await until("margay to see the foreign prefix", async () => {
          return (await pair.margay.route("198.51.100.0/24"))?.candidates[0];
        });
        assert.equal(path.best, false);
        assert.equal(path.status, "filtered");
        assert.equal(await pair.kernelRoute("198.51.100.0/24"), "");
        await pair.foreign.withdraw("198.51.100.0/24");
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): when the peer goes with a Cease its routes go, and come back with it",
      kind,
      async () => {
        await pair.foreign.stop();
        await until(
          "margay to leave Established",
          async () => (await pair.margayState()) !== "Established",
        );
        const down = (await pair.margay.peer(FOREIGN_ADDRESS))?.lastDown;
        assert.ok(down !== undefined && down.text !== "", "the reason is kept");
        if (down.direction === "received") await forgotten(FOREIGN_PODS);
        await pair.startForeign();
        await pair.established();
        await learned(FOREIGN_PODS);
        await until("the kernel to have the route", () =>
          pair.kernelRoute(FOREIGN_PODS).then(Boolean),
        );
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): a margay that stops is forgotten, and learned again when it starts",
      kind,
      async () => {
        await pair.margay.stop();
        await until(
          `${kind} to leave Established`,
          async () => (await pair.foreign.peerState(MARGAY_ADDRESS)) !== "Established",
        );
        assert.match(
          await pair.kernelRoute(FOREIGN_PODS),
          /via 192\.0\.2\.2/,
          "the kernel keeps the routes",
        );
        await until(
          `${kind} to forget ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length === 0,
          {
            timeoutSeconds: 30,
          },
        );
        await pair.margay.startNode();
        await pair.established();
        await until(
          `${kind} to learn ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length === 1,
        );
      },
    );
  });
}

describe("two margay nodes in a mesh, with a third of every kind", () => {
  const asn = 64_512;
  const member = (name: string, host: number) => {
    return { name, address: `192.0.2.${host}`, podCidrs: [`10.233.${host}.0/24`] };
  };
  const own = [member("node1", 1), member("node2", 2)];
  const others = DAEMONS.map((kind, index) => ({ kind, ...member(kind, index + 3) }));
  const directory = mkdtempSync(join(tmpdir(), "mgm-"));
  const network = new Network("mgi-mesh3");
  const nodes: Margay[] = [];
  const foreign = new Map<string, ForeignSpeaker>();

  before(async () => {
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): Promise<Namespace> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    const members = [...own, ...others.map(({ kind: _, ...fields }) => fields)];
    const timers = { connectRetrySeconds: 1, idleHoldSeconds: 0.2 };
    const starts: Promise<void>[] = [];
    for (const { name, address } of own) {
      const node = new Margay(await plugged(name, address), join(directory, name));
      nodes.push(node);
      node.configure(
        { node: { name }, timers },
        { asn, podPools: ["10.233.0.0/16"], topology: "mesh", members },
      );
      starts.push(node.startNode());
    }
    for (const { kind, address, podCidrs } of others) {
      const speaker = FOREIGN_SPEAKERS[kind](await plugged(kind, address), join(directory, kind));
      foreign.set(kind, speaker);
      const peers = own.map((node) => ({ address: node.address, asn }));
      const identity = { address, asn, routerId: address };
      starts.push(speaker.start({ ...identity, holdTimeSeconds: 90, peers, originate: podCidrs }));
    }
    await Promise.all(starts);
    for (const node of nodes) {
      await until("a node to have the pods of all", async () => {
        return (await node.routes()).length === members.length;
      });
    }
  });
  after(async () => {
    const all = [...nodes, ...foreign.values()];
    await Promise.allSettled(all.map((daemon) => daemon.stop()));
    await network.destroy();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const { kind, address } of others) {
    scenario(
      "iBGP mesh (RFC 4271): of three, none is told by one what another said",
      kind,
      async () => {
        const expected = own.map((node) => `${node.podCidrs[0]} via ${node.address}`);
        const told = await until(`${kind} to have both nodes' pods`, async () => {
          const routes = (await foreign.get(kind)?.routes()) ?? [];
          return routes.length >= own.length && routes;
        });
        const texts = told.map(({ prefix, nextHop }) => `${prefix} via ${nextHop}`);
        assert.deepEqual(texts.toSorted(), expected);
        for (const node of nodes) {
          const [counts] = (await node.peer(address))?.families ?? [];
          assert.deepEqual([counts?.accepted, counts?.advertised], [1, 1]);
        }
      },
    );
  }
});
