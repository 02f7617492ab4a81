import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ipv4Prefix, parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import {
  MESSAGE_HEADER_OCTETS,
  type NetlinkMessage,
  walkMessages,
} from "../../../src/netlink/message.ts";
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

type Route = Omit<RouteChange, "op">;

/** These routes as the kernel lists them: every message answers the same request. */
function listing(routes: readonly Route[], table: number): Uint8Array {
  const encoder = new RouteEncoder({ protocol: 77, table });
  const changes = routes.map((route): RouteChange => ({ op: "create", ...route }));
  const datagram = encoder.encode(changes, 1);
  const [FLAGS, HEADER_END] = [6, 12];
  walkMessages(datagram, ({ start }) => {
    const header = start - MESSAGE_HEADER_OCTETS;
    datagram.copyWithin(header + FLAGS, FLAGS, HEADER_END);
  });
  return datagram;
}

/** What a reader makes of a list of these routes, and what each is by itself. */
function readAll(routes: readonly Route[], table = 254) {
  const reader = new RouteReader();
  const read: (KernelRoute | undefined)[] = [];
  const alone: (KernelRoute | undefined)[] = [];
  walkMessages(listing(routes, table), (message: NetlinkMessage) => {
    read.push(reader.read(message));
    alone.push(decodeRoute(message.payload));
  });
  return { read, alone };
}

/** What a reader makes of the same list where it may read on over routes that are alike, and how many messages it was told of. */
function readOn(routes: readonly Route[], table = 254) {
  const reader = new RouteReader();
  const read: (KernelRoute | undefined)[] = [];
  let messages = 0;
  walkMessages(listing(routes, table), (message: NetlinkMessage) => {
    messages++;
    const route = reader.read(message);
    read.push(route);
    for (const address of reader.alike(message)) {
      read.push(route && { ...route, prefix: ipv4Prefix(address, route.prefix.length) });
    }
  });
  return { read, messages };
}

/** All of a route, with its prefix as text. */
function told(routes: readonly (KernelRoute | undefined)[]): unknown[] {
  return routes.map((route) => route && { ...route, prefix: route.prefix.text });
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

  test("reads on over routes that differ by their destination alone, and over no others", () => {
    const at = (text: string, path = ONE, metric = 0): Route => {
      return { prefix: prefix(text), metric, path };
    };
    const alike = ["10.0.1.0/24", "200.255.3.0/24", "0.0.0.0/24"].map((text) => at(text));
    const others = [at("10.0.4.0/25"), at("10.0.5.0/24", TWO), at("10.0.6.0/24", TWO, 7)];
    const { read, messages } = readOn([...alike, ...others, ...alike]);
    assert.deepEqual(
      read.map((route) => route?.prefix.text),
      [...alike, ...others, ...alike].map((route) => route.prefix.text),
    );
    assert.equal(messages, 1 + others.length + 1);
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
        assert.deepEqual(told(readOn(routes, table).read), told(alone));
        assert.deepEqual(
          read.map((one) => one?.prefix.text),
          routes.map((one) => one.prefix.text),
        );
      }),
    );
  });
});
