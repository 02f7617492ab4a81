import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ipv4Prefix, parsePrefix, type Prefix } from "../../src/net/prefix.ts";
import { Errno, NetlinkError } from "../../src/netlink/errno.ts";
import type { Netlink, NetlinkEvent } from "../../src/netlink/netlink.ts";
import type { KernelRoute, RoutePath } from "../../src/netlink/route.ts";
import type { RouteChange } from "../../src/netlink/route-request.ts";

/** A kernel with one interface besides the loopback: `v0`, up, with 10.9.0.1/24. */
export interface TestKernel {
  readonly ifindex: number;
  open(): Netlink;
  close(): void;
}

const ours = { protocol: 77, table: 254 };
const theirs = { protocol: 4, table: 254 };

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

/** What every `Netlink` must do, on the kernel or in memory. */
export function netlinkContract(name: string, build: () => TestKernel, skip: string | false): void {
  describe(`netlink: ${name}`, { skip }, () => {
    let kernel: TestKernel;
    let netlink: Netlink;
    let other: Netlink;
    let events: NetlinkEvent[];

    beforeEach(() => {
      kernel = build();
      netlink = kernel.open();
      other = kernel.open();
      events = [];
      netlink.onEvent((event) => events.push(event));
    });

    afterEach(() => {
      netlink.close();
      other.close();
      kernel.close();
    });

    const via = (gateway: string, onlink = false): RoutePath => ({
      type: "unicast",
      hops: [{ gateway, ifindex: kernel.ifindex, onlink, weight: 1 }],
    });
    const change = (op: RouteChange["op"], text: string, path: RoutePath, metric = 0) => ({
      ...{ op, prefix: prefix(text), path, metric },
    });
    const list = async (from: Netlink, protocol?: number): Promise<KernelRoute[]> => {
      const routes: KernelRoute[] = [];
      const filter = protocol === undefined ? {} : { protocol };
      const each = (route: KernelRoute): number => routes.push(route);
      await from.dumpRoutes({ version: 4, table: 254, ...filter }, each, (route, addresses) => {
        const { length } = route.prefix;
        for (const address of addresses) each({ ...route, prefix: ipv4Prefix(address, length) });
      });
      return routes.sort((a, b) => a.prefix.text.localeCompare(b.prefix.text));
    };
    const gateways = async (): Promise<string[]> =>
      (await list(netlink)).map(({ prefix: { text }, hops, protocol }) => {
        return `${text} ${hops[0]?.gateway ?? ""} ${protocol}`;
      });
    /** Resolves once an event that `wanted` accepts was heard. */
    const heard = (wanted: (event: NetlinkEvent) => boolean): Promise<NetlinkEvent> =>
      new Promise((resolve) => {
        const end = netlink.onEvent((event) => {
          if (!wanted(event)) return;
          end();
          resolve(event);
        });
      });

    test("lists links and addresses", async () => {
      const links = await netlink.dumpLinks();
      assert.deepEqual(links.map(({ name: link }) => link).sort(), ["lo", "v0"].sort());
      const v0 = links.find(({ ifindex }) => ifindex === kernel.ifindex);
      assert.equal(v0?.up, true);
      assert.equal(v0.mtu, 1500);
      const addresses = await netlink.dumpAddresses();
      const own = addresses.find(({ address }) => address === "10.9.0.1");
      assert.equal(own?.ifindex, kernel.ifindex);
      assert.equal(own.prefixLength, 24);
    });

    test("tells of nothing while it is held, and then of all", async () => {
      const witness = kernel.open();
      try {
        const later = heard(({ kind }) => kind === "route");
        await netlink.hold(async () => {
          const told = new Promise((resolve) => {
            witness.onEvent(resolve);
          });
          await other.applyRoutes([change("create", "10.1.0.0/24", via("10.9.0.2"))], theirs);
          await told;
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          assert.deepEqual(events, []);
        });
        await later;
        assert.equal(events.filter(({ kind }) => kind === "route").length, 1);
      } finally {
        witness.close();
      }
    });

    test("looks up the subnet, the own address, and what has no route", () => {
      const subnet = netlink.lookup("10.9.0.7");
      assert.ok(subnet.found);
      assert.equal(subnet.route.prefix.text, "10.9.0.0/24");
      assert.equal(subnet.route.type, "unicast");
      assert.deepEqual(subnet.route.hops, [
        { gateway: undefined, ifindex: kernel.ifindex, onlink: false, weight: 1 },
      ]);
      const own = netlink.lookup("10.9.0.1");
      assert.ok(own.found && own.route.type === "local");
      const none = netlink.lookup("8.8.8.8");
      assert.ok(!none.found);
      assert.equal(none.errno, Errno.networkUnreachable);
    });

    test("creates what is not there, once, and the rest of the batch goes in", async () => {
      const failures = await netlink.applyRoutes(
        [
          change("create", "10.1.0.0/24", via("10.9.0.2")),
          change("create", "10.1.0.0/24", via("10.9.0.3")),
          change("create", "10.2.0.0/24", via("10.9.0.3")),
        ],
        ours,
      );
      assert.deepEqual(
        failures.map(({ index, errno }) => [index, errno]),
        [[1, Errno.exists]],
      );
      const [first, second] = await list(netlink, 77);
      assert.deepEqual(first, {
        prefix: prefix("10.1.0.0/24"),
        ...{ type: "unicast", table: 254, protocol: 77, scope: 0, metric: 0 },
        hops: [{ gateway: "10.9.0.2", ifindex: kernel.ifindex, onlink: false, weight: 1 }],
        ...{ source: undefined, nextHopId: undefined, mtu: undefined, extras: "" },
      });
      assert.equal(second?.hops[0]?.gateway, "10.9.0.3");
    });

    test("gives a route an MTU, changes it and takes it away, and deletes a route that has one", async () => {
      const mtus: (number | undefined)[] = [];
      for (const mtu of [1400, 1300, undefined, 1400]) {
        const path = { ...via("10.9.0.2"), mtu };
        await netlink.applyRoutes([change("replace", "10.1.0.0/24", path)], ours);
        mtus.push((await list(netlink, 77))[0]?.mtu);
      }
      assert.deepEqual(mtus, [1400, 1300, undefined, 1400]);
      await netlink.applyRoutes([change("delete", "10.1.0.0/24", via("10.9.0.2"))], ours);
      assert.deepEqual(await list(netlink, 77), []);
    });

    test("replaces what is there, whosoever's", async () => {
      await other.applyRoutes([change("create", "10.1.0.0/24", via("10.9.0.2"))], theirs);
      await netlink.applyRoutes([change("replace", "10.1.0.0/24", via("10.9.0.3"))], ours);
      assert.deepEqual(await gateways(), ["10.1.0.0/24 10.9.0.3 77", "10.9.0.0/24  2"]);
    });

    test("deletes ours alone; what is not there is no failure", async () => {
      await other.applyRoutes([change("create", "10.1.0.0/24", via("10.9.0.2"))], theirs);
      await netlink.applyRoutes([change("create", "10.2.0.0/24", via("10.9.0.2"))], ours);
      const failures = await netlink.applyRoutes(
        ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"].map((text) =>
          change("delete", text, via("10.9.0.2")),
        ),
        ours,
      );
      assert.deepEqual(failures, []);
      assert.deepEqual(await gateways(), ["10.1.0.0/24 10.9.0.2 4", "10.9.0.0/24  2"]);
    });

    test("the same prefix at another metric or of another type is another route", async () => {
      const unreachable: RoutePath = { type: "unreachable", hops: [] };
      await netlink.applyRoutes(
        [
          change("create", "10.1.0.0/24", via("10.9.0.2")),
          change("create", "10.1.0.0/24", unreachable, 4_278_198_272),
        ],
        ours,
      );
      await netlink.applyRoutes([change("delete", "10.1.0.0/24", via("10.9.0.2"))], ours);
      const [left] = await list(netlink, 77);
      assert.equal(left?.type, "unreachable");
      assert.equal(left.metric, 4_278_198_272);
      assert.deepEqual(left.hops, []);
    });

    test("refuses a gateway that is not on the link, save with onlink", async () => {
      const failures = await netlink.applyRoutes(
        [
          change("create", "10.1.0.0/24", via("10.99.0.2")),
          change("create", "10.2.0.0/24", via("10.99.0.2", true)),
        ],
        ours,
      );
      assert.deepEqual(
        failures.map(({ index, errno }) => [index, errno]),
        [[0, Errno.networkUnreachable]],
      );
      assert.match(failures[0]?.text ?? "", /^ENETUNREACH: /);
      const [route] = await list(netlink, 77);
      assert.equal(route?.hops[0]?.onlink, true);
    });

    test("a multipath route keeps its next hops and weights", async () => {
      const hop = { ifindex: kernel.ifindex, onlink: false };
      const hops = [
        { ...hop, gateway: "10.9.0.2", weight: 1 },
        { ...hop, gateway: "10.9.0.3", weight: 4 },
      ];
      await netlink.applyRoutes([change("create", "10.1.0.0/24", { type: "unicast", hops })], ours);
      const [route] = await list(netlink, 77);
      assert.deepEqual(route?.hops, hops);
    });

    test("large batches, given at once, go in in order, with every failure at its place", async () => {
      const path = via("10.9.0.2");
      const text = (index: number): string => `20.${index >> 8}.${index & 255}.0/24`;
      const batch = (from: number): RouteChange[] =>
        Array.from({ length: 1000 }, (_, index) => change("create", text(from + index), path));
      const third = batch(0).map((one, index): RouteChange => {
        return { ...one, op: index === 500 || index === 999 ? "create" : "replace" };
      });
      const results = await Promise.all([
        netlink.applyRoutes(batch(0), ours),
        netlink.applyRoutes(batch(1000), ours),
        netlink.applyRoutes(third, ours),
        netlink.applyRoutes([change("delete", text(0), path)], ours),
      ]);
      assert.deepEqual(
        results.map((failures) => failures.map(({ index, errno }) => [index, errno])),
        [
          [],
          [],
          [
            [500, Errno.exists],
            [999, Errno.exists],
          ],
          [],
        ],
      );
      assert.equal((await list(netlink, 77)).length, 1999);
    });

    test("a long list, told while others change what is on it, and the events come to what is there", async () => {
      const count = 6000;
      const at = (index: number): string => `20.${index >> 8}.${index & 255}.0/24`;
      const ways = [via("10.9.0.2"), via("10.9.0.3")] as const;
      const routes = Array.from({ length: count }, (_, index) =>
        change("create", at(index), ways[0]),
      );
      await netlink.applyRoutes(routes, ours);
      const known = new Map<string, string | undefined>();
      const tell = (text: string, { hops }: KernelRoute): unknown =>
        known.set(text, hops[0]?.gateway);
      netlink.onEvent((event) => {
        if (event.kind !== "route") return;
        if (event.op === "new") tell(event.route.prefix.text, event.route);
        else known.delete(event.route.prefix.text);
      });
      let isOver = false;
      const listing = netlink
        .dumpRoutes(
          { version: 4, table: 254, protocol: 77 },
          (route) => tell(route.prefix.text, route),
          (route, addresses) => {
            for (const address of addresses) tell(ipv4Prefix(address, 24).text, route);
          },
        )
        .finally(() => {
          isOver = true;
        });
      for (let index = 0; !isOver; index = (index + 7) % count) {
        const replaced = change("replace", at((index + 3) % count), ways[1]);
        await other.applyRoutes([change("delete", at(index), ways[0]), replaced], ours);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await listing;
      const last = heard((event) => event.kind === "route" && event.route.metric === 5);
      await other.applyRoutes([change("create", "30.0.0.0/24", ways[0], 5)], ours);
      await last;
      const there = (await list(netlink, 77)).map(({ prefix: { text }, hops }) => {
        return [text, hops[0]?.gateway] as const;
      });
      assert.deepEqual(known, new Map(there));
    });

    test("tells what others do to routes, and not what it does itself", async () => {
      const path = via("10.9.0.2");
      const last = heard((event) => event.kind === "route" && event.op === "deleted");
      await netlink.applyRoutes([change("create", "10.1.0.0/24", path)], ours);
      await other.applyRoutes([change("replace", "10.1.0.0/24", via("10.9.0.3"))], ours);
      await other.applyRoutes([change("create", "10.2.0.0/24", path)], theirs);
      await other.applyRoutes([change("delete", "10.2.0.0/24", path)], theirs);
      await last;
      const told = events.flatMap((event) => {
        if (event.kind !== "route") return [];
        const { op, replaced, route } = event;
        return [
          `${op} ${replaced} ${route.prefix.text} ${route.hops[0]?.gateway} ${route.protocol}`,
        ];
      });
      assert.deepEqual(told, [
        "new true 10.1.0.0/24 10.9.0.3 77",
        "new false 10.2.0.0/24 10.9.0.2 4",
        "deleted false 10.2.0.0/24 10.9.0.2 4",
      ]);
    });

    test("a link that goes down takes its routes with it, and tells of the link alone", async () => {
      await netlink.applyRoutes([change("create", "10.1.0.0/24", via("10.9.0.2"))], ours);
      const down = heard((event) => event.kind === "link" && !event.link.up);
      other.changeLink(kernel.ifindex, { up: false });
      await down;
      assert.deepEqual(await list(netlink, 77), []);
      const deleted = events.filter(
        (event) => event.kind === "route" && event.route.prefix.text === "10.1.0.0/24",
      );
      assert.deepEqual(deleted, []);
      const up = heard((event) => event.kind === "link" && event.link.up);
      other.changeLink(kernel.ifindex, { up: true });
      await up;
      assert.equal(netlink.lookup("10.9.0.7").found, true);
    });

    test("changes a link's MTU", async () => {
      const changed = heard((event) => event.kind === "link" && event.link.mtu === 1400);
      netlink.changeLink(kernel.ifindex, { mtu: 1400 });
      await changed;
      assert.throws(() => netlink.changeLink(4711, { up: true }), NetlinkError);
    });

    test("gives and takes host addresses, which keep who gave them", async () => {
      const given = heard((event) => event.kind === "address" && event.op === "new");
      netlink.addHostAddress(kernel.ifindex, "10.233.1.0", 77);
      await given;
      const [address] = (await netlink.dumpAddresses()).filter(
        (entry) => entry.address === "10.233.1.0",
      );
      assert.equal(address?.prefixLength, 32);
      assert.equal(address.protocol, 77);
      assert.throws(
        () => netlink.addHostAddress(kernel.ifindex, "10.233.1.0", 77),
        (error) => error instanceof NetlinkError && error.errno === Errno.exists,
      );
      const taken = heard((event) => event.kind === "address" && event.op === "deleted");
      netlink.removeHostAddress(kernel.ifindex, "10.233.1.0");
      await taken;
      assert.throws(
        () => netlink.removeHostAddress(kernel.ifindex, "10.233.1.0"),
        (error) => error instanceof NetlinkError && error.errno === Errno.addressNotAvailable,
      );
    });

    test("says what kind of link it cannot make", () => {
      assert.throws(
        () => netlink.createLink({ name: "mgx0", kind: "mgf-nothing" }),
        (error) => {
          assert.ok(error instanceof NetlinkError);
          assert.equal(error.errno, Errno.notSupported);
          assert.equal(
            error.message,
            "create mgx0 of type mgf-nothing: EOPNOTSUPP: Unknown device type",
          );
          return true;
        },
      );
    });

    describe("next-hop objects", () => {
      const object = (id: number, gateway: string) => ({
        ...{ id, protocol: 77, members: [] },
        hop: { gateway, ifindex: kernel.ifindex, onlink: false },
      });
      const through = (nextHopId: number): RoutePath => ({ type: "unicast", hops: [], nextHopId });
      const ids = async (): Promise<number[]> =>
        ((await netlink.dumpNextHops()) ?? []).map(({ id }) => id);

      test("are made, once, listed, replaced and removed", async () => {
        netlink.makeNextHop(object(7, "10.9.0.2"));
        assert.throws(
          () => netlink.makeNextHop(object(7, "10.9.0.3")),
          ({ errno }: NetlinkError) => errno === Errno.exists,
        );
        await netlink.replaceNextHop(object(7, "10.9.0.3"));
        assert.deepEqual(await netlink.dumpNextHops(), [object(7, "10.9.0.3")]);
        netlink.removeNextHop(7);
        netlink.removeNextHop(7);
        assert.deepEqual(await ids(), []);
      });

      test("take the routes that lead through them along", async () => {
        netlink.makeNextHop(object(7, "10.9.0.2"));
        await netlink.applyRoutes([change("create", "10.1.0.0/24", through(7))], ours);
        assert.deepEqual(await gateways(), ["10.1.0.0/24 10.9.0.2 77", "10.9.0.0/24  2"]);
        await netlink.replaceNextHop(object(7, "10.9.0.3"));
        assert.deepEqual(await gateways(), ["10.1.0.0/24 10.9.0.3 77", "10.9.0.0/24  2"]);
        const answer = netlink.lookup("10.1.0.1");
        assert.ok(answer.found);
        assert.equal(answer.route.nextHopId, 7);
        netlink.removeNextHop(7);
        assert.deepEqual(await gateways(), ["10.9.0.0/24  2"]);
      });

      test("of a group lose a member with it, and end with the last", async () => {
        netlink.makeNextHop(object(7, "10.9.0.2"));
        netlink.makeNextHop(object(8, "10.9.0.3"));
        const members = [
          { id: 7, weight: 1 },
          { id: 8, weight: 1 },
        ];
        netlink.makeNextHop({ id: 9, protocol: 77, hop: undefined, members });
        await netlink.applyRoutes([change("create", "10.1.0.0/24", through(9))], ours);
        const [route] = await list(netlink, 77);
        assert.deepEqual(
          route?.hops.map(({ gateway }) => gateway),
          ["10.9.0.2", "10.9.0.3"],
        );
        netlink.removeNextHop(7);
        const group = (await netlink.dumpNextHops())?.find(({ id }) => id === 9);
        assert.deepEqual(group?.members, [{ id: 8, weight: 1 }]);
        netlink.removeNextHop(8);
        assert.deepEqual(await ids(), []);
        assert.deepEqual(await gateways(), ["10.9.0.0/24  2"]);
      });

      test("must be there and lead somewhere", async () => {
        const failures = await netlink.applyRoutes(
          [change("create", "10.1.0.0/24", through(7))],
          ours,
        );
        assert.deepEqual(
          failures.map(({ errno }) => errno),
          [Errno.invalid],
        );
        assert.throws(
          () => netlink.makeNextHop(object(7, "172.16.0.1")),
          ({ errno }: NetlinkError) => errno === Errno.networkUnreachable,
        );
        const members = [{ id: 5, weight: 1 }];
        assert.throws(
          () => netlink.makeNextHop({ id: 9, protocol: 77, hop: undefined, members }),
          ({ errno }: NetlinkError) => errno === Errno.invalid,
        );
      });

      test("that others change are told of, with who did it, and not our own", async () => {
        netlink.makeNextHop(object(7, "10.9.0.2"));
        const last = heard((event) => event.kind === "next-hop" && event.op === "deleted");
        await other.replaceNextHop(object(7, "10.9.0.3"));
        other.removeNextHop(7);
        await last;
        assert.deepEqual(
          events.flatMap((event) =>
            event.kind === "next-hop" ? [[event.op, event.object.hop?.gateway]] : [],
          ),
          [
            ["new", "10.9.0.3"],
            ["deleted", "10.9.0.3"],
          ],
        );
      });

      test("go silently with their link", async () => {
        netlink.makeNextHop(object(7, "10.9.0.2"));
        const down = heard((event) => event.kind === "link" && !event.link.up);
        other.changeLink(kernel.ifindex, { up: false });
        await down;
        assert.deepEqual(await ids(), []);
        assert.ok(events.every((event) => event.kind !== "next-hop"));
      });
    });

    test("a table that nobody uses is empty", async () => {
      const routes: KernelRoute[] = [];
      await netlink.dumpRoutes({ version: 4, table: 4242 }, (route) => routes.push(route));
      assert.deepEqual(routes, []);
    });

    test("tables beyond 255 are their own", async () => {
      const beyond = { protocol: 77, table: 4243 };
      await netlink.applyRoutes([change("create", "10.1.0.0/24", via("10.9.0.2"))], beyond);
      const routes: KernelRoute[] = [];
      await netlink.dumpRoutes({ version: 4, table: 4243 }, (route) => routes.push(route));
      assert.equal(routes[0]?.table, 4243);
      assert.deepEqual(await list(netlink, 77), []);
      await netlink.applyRoutes([change("delete", "10.1.0.0/24", via("10.9.0.2"))], beyond);
    });
  });
}
