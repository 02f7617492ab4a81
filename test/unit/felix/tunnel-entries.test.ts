import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import { FelixHarness, prefix, STATIC } from "../../support/felix-harness.ts";

let h: FelixHarness;
/** What was done to entries, and what was wrong about it. */
let changes: string[];
let faults: string[];

beforeEach(async () => {
  h = new FelixHarness();
  changes = [];
  faults = [];
  await h.router();
});

afterEach(() => h.stop());

const start = (options: Parameters<FelixHarness["start"]>[0] = {}): Promise<unknown> =>
  h.start({ podCidrs: [], tunnel: "vxlan", netlink: watched(), ...options });

/** Addresses of nodes whose MAC addresses lie behind them. */
const nodes = (): string[] =>
  h.kernel.neighbours
    .filter(({ table, permanent }) => table === "bridge" && permanent)
    .map(({ address }) => address)
    .sort();

/** Is there all that packets through this gateway on the VXLAN device need? */
function isKnown(gateway: string): boolean {
  const { neighbours } = h.kernel;
  const entry = neighbours.find(({ table, address }) => {
    return table !== "bridge" && address === gateway;
  });
  return neighbours.some(({ table, mac }) => table === "bridge" && mac === entry?.mac);
}

/** Routes of ours that lead into the tunnel, though nobody knows the node at its other end. */
const lost = (): string[] =>
  h.kernel.routes
    .filter(({ hops: [hop] }) => h.kernel.links.get(hop?.ifindex ?? 0)?.kind === "vxlan")
    .filter(({ hops: [hop], protocol }) => protocol === 77 && !isKnown(hop?.gateway ?? ""))
    .map(({ prefix: { text } }) => text);

/** The kernel, whose every change of entries and routes is looked at. */
function watched(): Netlink {
  const inner = h.kernel.open();
  const look = (what: string): void => {
    for (const text of lost()) faults.push(`${text} after ${what}`);
  };
  return new Proxy(inner, {
    get(target, name: keyof Netlink) {
      const method = target[name] as (...values: unknown[]) => unknown;
      if (name === "applyRoutes") {
        return async (...values: unknown[]) => {
          const failures = await method.apply(target, values);
          look(name);
          return failures;
        };
      }
      if (name !== "setNeighbour" && name !== "removeNeighbour") return method.bind(target);
      return (entry: Parameters<Netlink["setNeighbour"]>[0]) => {
        method.call(target, entry);
        changes.push(`${name} ${entry.table} ${entry.address}`);
        look(changes.at(-1) as string);
      };
    },
  });
}

/** Nobody changes anything, whatever is looked at. */
async function assertAtRest(): Promise<void> {
  await h.quiet();
  changes.length = 0;
  h.felix.pictureChanged();
  for (let minutes = 0; minutes < 11; minutes++) {
    h.clock.advance(60_000);
    await h.quiet();
  }
  assert.deepEqual(changes, []);
  assert.deepEqual(faults, []);
}

const FAR = ["192.168.2.2", "192.168.3.2", "192.168.4.2"];

describe("entries of nodes", () => {
  test("outlive a restart as long as the routes to them, and then go", async () => {
    await start();
    for (const [index, node] of FAR.entries()) h.set(`10.233.${index + 2}.0/24`, node);
    await h.felix.settled();
    await h.felix.stop({ cleanup: false });
    changes.length = 0;
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    assert.deepEqual(nodes(), FAR);
    h.set("10.233.3.0/24", "192.168.3.2");
    await h.quiet();
    assert.deepEqual(changes, []);
    h.felix.pictureComplete();
    await h.quiet();
    assert.equal(h.there().length, 2);
    assert.deepEqual(nodes(), FAR.slice(0, 2));
    await assertAtRest();
  });

  test("outlive a restart also where no route through the tunnel comes back, and then go", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    await h.felix.stop({ cleanup: false });
    await start();
    assert.deepEqual(nodes(), ["192.168.2.2"]);
    h.felix.pictureComplete();
    await h.quiet();
    assert.deepEqual(h.there(), []);
    assert.deepEqual(h.kernel.neighbours, []);
    await assertAtRest();
  });

  test("of IPv6 routes stay while only the IPv4 routes are back", async () => {
    const options = { podCidrs: [prefix("fd00:233:1::/64")], encapsulation: "always" } as const;
    await start(options);
    h.set("fd00:233:2::/64", "192.168.1.3");
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    await h.felix.stop({ cleanup: false });
    await start(options);
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    const linkLocal = (): number =>
      h.kernel.neighbours.filter(({ table }) => table === "ipv6").length;
    assert.equal(linkLocal(), 1);
    h.felix.pictureComplete();
    await h.quiet();
    assert.equal(linkLocal(), 0);
    assert.deepEqual(nodes(), ["192.168.1.3"]);
    await assertAtRest();
  });

  test("of an IPv6 node outlive a restart, too", async () => {
    h.kernel.addAddress(h.eth0, "2001:db8::2", 64);
    const options = { encapsulation: "always", secondAddress: "2001:db8::2" } as const;
    await start(options);
    h.set("fd00:233:2::/64", "2001:db8::3");
    h.set("fd00:233:3::/64", "2001:db8::4");
    await h.felix.settled();
    await h.felix.stop({ cleanup: false });
    await start(options);
    h.set("fd00:233:2::/64", "2001:db8::3");
    await h.quiet();
    assert.deepEqual(nodes(), ["2001:db8::3", "2001:db8::4"]);
    h.felix.pictureComplete();
    await h.quiet();
    assert.deepEqual(nodes(), ["2001:db8::3"]);
    await assertAtRest();
  });

  test("stay as long as the removal of the routes is frozen", async () => {
    let whole = false;
    const many = Array.from({ length: 20 }, (_, index) => `10.233.${index + 100}.0/24`);
    await start({ isPictureWhole: () => whole });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    for (const text of many) h.set(text, "192.168.3.2");
    await h.felix.settled();
    for (const text of many) h.felix.removeRoute(prefix(text));
    await h.quiet();
    assert.equal(h.felix.status().frozenRemovals, 20);
    assert.deepEqual(nodes(), ["192.168.2.2", "192.168.3.2"]);
    h.set("10.233.4.0/24", "192.168.4.2");
    await h.quiet();
    assert.deepEqual(nodes(), FAR);
    whole = true;
    h.felix.pictureChanged();
    await h.quiet();
    assert.deepEqual(nodes(), ["192.168.2.2", "192.168.4.2"]);
    await assertAtRest();
  });

  test("go only when the routes have their other way, through the tunnel or not", async () => {
    await start({ encapsulation: "always" });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.1.3");
    await h.felix.settled();
    h.felix.setPoolPolicies([], { encapsulation: "cross-subnet", tunnel: "vxlan" });
    await h.quiet();
    assert.deepEqual(nodes(), ["192.168.2.2"]);
    h.set("10.233.2.0/24", "192.168.4.2");
    await h.quiet();
    assert.deepEqual(nodes(), ["192.168.4.2"]);
    await assertAtRest();
  });

  test("go with the last route through the tunnel, which stays", async () => {
    await start();
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    await h.quiet();
    assert.deepEqual(h.kernel.neighbours, []);
    assert.ok([...h.kernel.links.values()].some(({ name }) => name === "vxlan.margay"));
    await assertAtRest();
  });

  test("stay while there is no way to the nodes, as the routes do", async () => {
    await start();
    h.felix.pictureComplete();
    // To this one there is a way all the time.
    await h.other.applyRoutes([h.change("create", "192.168.4.0/24", "192.168.1.1")], STATIC);
    h.set("10.233.4.0/24", "192.168.4.2");
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const before = h.kernel.neighbours;
    const toRouter = h.change("delete", "0.0.0.0/0", "192.168.1.1");
    await h.other.applyRoutes([toRouter], STATIC);
    await h.quiet();
    assert.equal(h.entry("10.233.2.0/24")?.state, "pending");
    assert.deepEqual(h.kernel.neighbours, before);
    await h.router();
    await h.quiet();
    assert.deepEqual(h.kernel.neighbours, before);
    await assertAtRest();
  });

  test("are there before a route that comes while others are being written", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    h.felix.onChange((event) => {
      const isFirst = event.kind === "installed" && event.prefix.text === "10.233.3.0/24";
      if (isFirst) h.set("10.233.4.0/24", "192.168.4.2");
    });
    h.set("10.233.3.0/24", "192.168.2.2");
    await h.quiet();
    assert.equal(h.entry("10.233.4.0/24")?.state, "installed");
    assert.deepEqual(nodes(), ["192.168.2.2", "192.168.4.2"]);
    assert.deepEqual(faults, []);
  });

  test("that are no node's go at once, whatever leads where", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const [there] = h.kernel.neighbours;
    assert.ok(there);
    const mac = "02:00:00:00:00:01";
    h.other.setNeighbour({ ...there, table: "ipv4", address: "192.168.9.9", mac });
    await h.quiet();
    assert.ok(!h.kernel.neighbours.some((entry) => entry.mac === mac));
    assert.equal(h.felix.status().repairs, 1);
  });
});
