import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KernelPicture } from "../../../src/felix/kernel-picture.ts";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import { FelixHarness, prefix, turn } from "../../support/felix-harness.ts";

/** A `Netlink` in front of whose listing, once `isDue`, something else happens first, and is heard of if it can be. */
function interrupted(
  inner: Netlink,
  listing: "dumpAddresses" | "dumpNextHops",
  by: () => void,
  when: "before" | "after",
): Netlink {
  let isDue = true;
  const interrupt = async (): Promise<void> => {
    if (isDue) by();
    isDue = false;
    await turn();
    await turn();
  };
  return new Proxy(inner, {
    get(target, name: keyof Netlink) {
      const method = (target[name] as (...values: unknown[]) => unknown).bind(target);
      if (name !== listing) return method;
      return async () => {
        if (when === "before") await interrupt();
        const list = await method();
        if (when === "after") await interrupt();
        return list;
      };
    },
  });
}

test("links and addresses are read once by a start", async () => {
  const h = new FelixHarness();
  const calls: string[] = [];
  const netlink = new Proxy(h.kernel.open(), {
    get(target, name: keyof Netlink) {
      const method = (target[name] as (...values: unknown[]) => unknown).bind(target);
      return (...values: unknown[]): unknown => {
        calls.push(name);
        return method(...values);
      };
    },
  });
  await h.start({ netlink });
  const reads = calls.filter((name) => name === "dumpLinks" || name === "dumpAddresses");
  assert.deepEqual(reads, ["dumpLinks", "dumpAddresses"]);
  await h.stop();
});

describe("what happens while the kernel is read", () => {
  test("to a link that was listed already is not forgotten", async () => {
    const h = new FelixHarness();
    const inner = h.kernel.open();
    const change = (): void => h.kernel.changeLink(h.eth0, { mtu: 1400 });
    const picture = new KernelPicture(interrupted(inner, "dumpAddresses", change, "before"));
    inner.onEvent((event) => picture.apply(event));
    await picture.load();
    assert.equal(picture.link(h.eth0)?.mtu, 1400);
    inner.close();
  });

  test("to an address that was listed already is not forgotten", async () => {
    const h = new FelixHarness();
    const inner = h.kernel.open();
    const change = (): void => h.kernel.removeAddress(h.eth0, "192.168.1.2");
    const picture = new KernelPicture(interrupted(inner, "dumpAddresses", change, "after"));
    inner.onEvent((event) => picture.apply(event));
    await picture.load();
    assert.equal(picture.linkOfAddress("192.168.1.2"), undefined);
    inner.close();
  });

  test("to a next-hop object that was listed already is not forgotten: its routes come back", async () => {
    const h = new FelixHarness();
    let deletion = (): void => {};
    const inner = h.kernel.open();
    const netlink = interrupted(inner, "dumpNextHops", () => deletion(), "after");
    await h.start({ podCidrs: [], nextHopObjects: "auto", netlink });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    const [id] = h.kernel.nextHops.keys();
    assert.ok(id !== undefined);
    await h.stop();
    deletion = () => h.kernel.removeNextHop(id);
    const next = interrupted(h.kernel.open(), "dumpNextHops", () => deletion(), "after");
    await h.start({ podCidrs: [], nextHopObjects: "auto", netlink: next });
    h.felix.setRoute({ prefix: prefix("10.233.2.0/24"), nextHops: ["192.168.1.3"] });
    await h.quiet();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    assert.equal(h.kernel.nextHops.size, 1);
    await h.stop();
  });
});
