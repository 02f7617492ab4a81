import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Errno, NetlinkError } from "../../../src/netlink/errno.ts";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import { FelixHarness } from "../../support/felix-harness.ts";

let h: FelixHarness;
/** What the kernel has no means for at the moment, and how often it was asked all the same. */
let short: keyof Netlink | undefined;
let refusals: number;

beforeEach(async () => {
  h = new FelixHarness();
  short = undefined;
  refusals = 0;
  await h.router();
});

afterEach(() => h.stop());

function start(): Promise<unknown> {
  const netlink = new Proxy(h.kernel.open(), {
    get(target, name: keyof Netlink) {
      const method = target[name] as (...values: unknown[]) => unknown;
      return (...values: unknown[]): unknown => {
        if (name !== short) return method.apply(target, values);
        refusals++;
        throw new NetlinkError(name, Errno.noBuffers);
      };
    },
  });
  return h.start({ tunnel: "vxlan", netlink });
}

const state = (text: string): string | undefined => h.entry(text)?.state;

describe("what a tunnel needs and the kernel is short of means for", () => {
  for (const method of ["createLink", "changeLink", "addHostAddress", "setNeighbour"] as const) {
    test(`is tried again soon: ${method}`, async () => {
      await start();
      short = method;
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.quiet();
      assert.equal(state("10.233.2.0/24"), "pending");
      assert.match(h.entry("10.233.2.0/24")?.problem ?? "", /ENOBUFS/);
      short = undefined;
      h.clock.advance(250);
      await h.quiet();
      assert.equal(state("10.233.2.0/24"), "installed");
      assert.equal(h.felix.status().repairs, 0);
    });
  }

  test("is tried again less and less often", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    short = "setNeighbour";
    h.set("10.233.3.0/24", "192.168.3.2");
    await h.quiet();
    assert.equal(refusals, 1);
    for (const [delayMs, count] of [
      [249, 1],
      [1, 2],
      [499, 2],
      [1, 3],
      [1000, 4],
      [2000, 5],
    ] as const) {
      h.clock.advance(delayMs);
      await h.quiet();
      assert.equal(refusals, count);
    }
    short = undefined;
    h.clock.advance(4000);
    await h.quiet();
    assert.equal(state("10.233.3.0/24"), "installed");
  });

  test("holds up only what needs it: the tunnel goes on, and what others do to it is put back", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.1.3");
    await h.quiet();
    short = "setNeighbour";
    // From the wire into the tunnel, where nobody knows the node yet.
    h.felix.setPoolPolicies([], { encapsulation: "always", tunnel: "vxlan" });
    h.set("10.233.4.0/24", "192.168.2.2");
    await h.quiet();
    assert.deepEqual(h.there().slice(1), [
      "10.233.2.0/24 192.168.2.2 vxlan.margay 77",
      "10.233.3.0/24 192.168.1.3 eth0 77",
      "10.233.4.0/24 192.168.2.2 vxlan.margay 77",
    ]);
    assert.equal(state("10.233.3.0/24"), "pending");
    short = undefined;
    const [entry] = h.kernel.neighbours;
    assert.ok(entry);
    h.other.removeNeighbour(entry);
    await h.quiet();
    assert.ok(h.kernel.neighbours.some(({ address }) => address === entry.address));
    assert.equal(h.there()[2], "10.233.3.0/24 192.168.1.3 vxlan.margay 77");
  });

  test("keeps entries of nodes that are gone until it can take them away", async () => {
    await start();
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.3.2");
    await h.quiet();
    short = "removeNeighbour";
    h.set("10.233.3.0/24", "192.168.2.2");
    await h.quiet();
    assert.equal(h.kernel.neighbours.length, 4);
    short = undefined;
    h.clock.advance(250);
    await h.quiet();
    assert.equal(h.kernel.neighbours.length, 2);
  });
});
