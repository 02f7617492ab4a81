import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { SegmentClaim } from "../../../src/net/segment-claim.ts";
import { FelixHarness, prefix } from "../../support/felix-harness.ts";

const BESIDE = "192.168.1.3";
const PODS = "10.233.2.0/24";
const DIRECT = [`${PODS} ${BESIDE} eth0 77`];
const TUNNELLED = [`${PODS} ${BESIDE} vxlan.margay 77`];

describe("what a next hop announces of its segment", () => {
  let h: FelixHarness;

  beforeEach(async () => {
    h = new FelixHarness();
    await h.router();
    await h.start({ podCidrs: [], tunnel: "vxlan" });
  });

  afterEach(() => h.stop());

  const hears = (subnet: string, ...unheard: string[]): SegmentClaim => {
    return { address: BESIDE, subnet: prefix(subnet), unheard };
  };
  const route = async (text: string, ...claims: SegmentClaim[]): Promise<string[]> => {
    const said = claims.length > 0 ? { claims } : {};
    h.felix.setRoute({ prefix: prefix(text), nextHops: [BESIDE], ...said });
    await h.quiet();
    return h.there();
  };
  const why = async (): Promise<string | undefined> =>
    (await h.felix.explain("10.233.2.9")).lines[2];

  test("its mask counts from the first route on, and when it changes", async () => {
    assert.deepEqual(await route(PODS, hears("192.168.1.0/25")), DIRECT);
    assert.deepEqual(
      await route(PODS, hears("192.168.1.0/30")),
      DIRECT,
      "2 and 3 share four addresses",
    );
    assert.deepEqual(await route(PODS, hears("192.168.1.128/25")), TUNNELLED);
    assert.equal(
      await why(),
      "next hop 192.168.1.3: 192.168.1.3 announces that its subnet is 192.168.1.128/25, which does not hold 192.168.1.2: tunnel",
    );
    assert.deepEqual(await route(PODS), DIRECT, "nothing is announced any more");
  });

  test("the cluster's record goes before its mask", async () => {
    h.felix.setNodeSubnets(new Map([[BESIDE, prefix("192.168.1.0/24")]]));
    assert.deepEqual(await route(PODS, hears("192.168.1.128/25")), DIRECT);
    h.felix.setNodeSubnets(new Map());
    await h.quiet();
    assert.deepEqual(h.there(), TUNNELLED);
  });

  test("that it does not hear us leads to the tunnel, and back once it does", async () => {
    assert.deepEqual(await route(PODS, hears("192.168.1.0/24", "192.168.1.7")), DIRECT);
    assert.deepEqual(await route(PODS, hears("192.168.1.0/24", "192.168.1.2")), TUNNELLED);
    assert.equal(
      await why(),
      "next hop 192.168.1.3: 192.168.1.3 is in 192.168.1.0/24, a subnet of eth0, but announces that 192.168.1.2 does not answer it there: tunnel",
    );
    assert.deepEqual(
      h.felix.status().lost.map(({ address, isDeaf }) => ({ address, isDeaf })),
      [{ address: BESIDE, isDeaf: true }],
    );
    assert.deepEqual(await route(PODS, hears("192.168.1.0/24")), DIRECT);
  });

  test("stands until the last route that says so is gone", async () => {
    const other = "10.233.3.0/24";
    await route(PODS);
    await route(other, hears("192.168.1.0/24", "192.168.1.2"));
    assert.deepEqual(h.there()[0], TUNNELLED[0], "it is of the node, not of the route");
    h.felix.pictureComplete();
    h.felix.removeRoute(prefix(other));
    await h.quiet();
    assert.deepEqual(h.there(), DIRECT);
  });

  test("does not get lost when pools are reached in another way", async () => {
    await route(PODS, hears("192.168.1.0/24", "192.168.1.2"));
    const always = { encapsulation: "always", tunnel: "vxlan" } as const;
    h.felix.setPoolPolicies([], always);
    await h.quiet();
    h.felix.setPoolPolicies([], { ...always, encapsulation: "cross-subnet" });
    await h.quiet();
    assert.deepEqual(h.there(), TUNNELLED);
  });

  test("whom we do not hear is told, once, and when it answers or is no longer needed", async () => {
    await h.stop();
    const told: string[] = [];
    h.kernel.silent.add(BESIDE);
    await h.start({
      ...{ podCidrs: [], tunnel: "vxlan" },
      onSilence: (silent) => told.push(silent.join(" ")),
    });
    await route(PODS);
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        h.clock.advance(1000);
        await h.quiet();
      }
    };
    await pass(2);
    assert.deepEqual(told, [BESIDE]);
    h.felix.pictureComplete();
    h.felix.removeRoute(prefix(PODS));
    await pass(2);
    assert.deepEqual(told, [BESIDE, ""]);
    await route(PODS);
    await pass(2);
    h.kernel.silent.delete(BESIDE);
    await pass(60);
    assert.deepEqual(told, [BESIDE, "", BESIDE, ""]);
  });
});
