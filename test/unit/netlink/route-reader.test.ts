import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { type NetlinkMessage, walkMessages } from "../../../src/netlink/message.ts";
import { decodeRoute, type KernelRoute, type RoutePath } from "../../../src/netlink/route.ts";
import { type RouteChange, RouteEncoder } from "../../../src/netlink/route-request.ts";
import { RouteReader } from "../../../src/netlink/route-reader.ts";

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

function via(gateway: string): RoutePath {
  return { type: "unicast", hops: [{ gateway, ifindex: 3, onlink: false, weight: 1 }] };
}

/** What a reader makes of a list of these routes, and what each is by itself. */
function readAll(routes: readonly Omit<RouteChange, "op">[], table = 254) {
  const encoder = new RouteEncoder({ protocol: 77, table });
  const changes = routes.map((route): RouteChange => ({ op: "create", ...route }));
  const reader = new RouteReader();
  const read: (KernelRoute | undefined)[] = [];
  const alone: (KernelRoute | undefined)[] = [];
  walkMessages(encoder.encode(changes, 1), (message: NetlinkMessage) => {
    read.push(reader.read(message));
    alone.push(decodeRoute(message.payload));
  });
  return { read, alone };
}

describe("RouteReader", () => {
  const [ONE, TWO] = [via("192.168.1.1"), via("192.168.1.2")];

  test("reads routes that differ by their destination as they are, with the hops of one as those of all", () => {
    const prefixes = ["10.0.1.0/24", "10.0.2.0/24", "200.255.3.0/24"];
    const { read } = readAll(
      prefixes.map((text) => ({ prefix: prefix(text), metric: 0, path: ONE })),
    );
    assert.deepEqual(
      read.map((route) => route?.prefix.text),
      prefixes,
    );
    for (const route of read) assert.equal(route?.hops, read[0]?.hops);
    assert.deepEqual(read[2]?.hops, ONE.hops);
  });

  test("reads whatever comes in whatever order as each is by itself", () => {
    const texts = [
      "10.0.1.0/24",
      "10.0.2.0/24",
      "10.0.2.0/25",
      "0.0.0.0/0",
      "fd00::/64",
      "fd00:1::/64",
    ];
    const route = fc.record({
      prefix: fc.constantFrom(...texts).map(prefix),
      metric: fc.constantFrom(0, 7),
      path: fc.constantFrom<RoutePath>(ONE, TWO, { type: "unreachable", hops: [] }),
    });
    fc.assert(
      fc.property(fc.array(route), fc.constantFrom(254, 1000), (routes, table) => {
        const { read, alone } = readAll(routes, table);
        assert.deepEqual(read, alone);
        assert.deepEqual(
          read.map((one) => one?.prefix.text),
          routes.map((one) => one.prefix.text),
        );
      }),
    );
  });
});
