import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideMode } from "../../../src/felix/encapsulation.ts";
import { judgeSegment } from "../../../src/felix/segment.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import type { KernelRoute } from "../../../src/netlink/route.ts";

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

const surroundings = {
  protocol: 77,
  deviceName: (ifindex: number) => (ifindex === 2 ? "eth0" : "ppp0"),
  isInterfaceSubnet: (ifindex: number, subnet: Prefix) =>
    ifindex === 2 && subnet.text === "192.168.1.0/24",
};

function route(text: string, change: Partial<KernelRoute> = {}): KernelRoute {
  return {
    prefix: prefix(text),
    type: "unicast",
    hops: [{ gateway: undefined, ifindex: 2, onlink: false, weight: 1 }],
    ...{ table: 254, protocol: 2, scope: 253, metric: 0, source: undefined, extras: "" },
    ...change,
  };
}

const hop = (gateway: string | undefined, ifindex: number) => ({
  ...{ gateway, ifindex, onlink: false, weight: 1 },
});

/** The kernel's answer, then the verdict's words, then what each encapsulation makes of it. */
const cases: readonly (readonly [
  name: string,
  answer: KernelRoute | number,
  text: string,
  modes: readonly (string | undefined)[],
])[] = [
  [
    "in the subnet of an interface",
    route("192.168.1.0/24"),
    "192.168.1.3 is in 192.168.1.0/24, a subnet of eth0",
    ["direct", "tunnel", "direct"],
  ],
  [
    "behind a gateway",
    route("0.0.0.0/0", { hops: [hop("192.168.1.1", 2)], scope: 0 }),
    "192.168.1.3 is behind 192.168.1.1 on eth0 (route 0.0.0.0/0)",
    ["tunnel", "tunnel", undefined],
  ],
  [
    "behind several gateways",
    route("192.168.0.0/16", { hops: [hop("192.168.7.1", 2), hop("192.168.7.2", 2)] }),
    "192.168.1.3 is behind the multipath route 192.168.0.0/16",
    ["tunnel", "tunnel", undefined],
  ],
  [
    "on a default route without a gateway, which is no segment",
    route("0.0.0.0/0", { hops: [hop(undefined, 9)] }),
    "0.0.0.0/0 on ppp0 is not a subnet of an address of ppp0",
    ["tunnel", "tunnel", undefined],
  ],
  [
    "on a route to an interface that has no such subnet",
    route("192.168.1.0/25"),
    "192.168.1.0/25 on eth0 is not a subnet of an address of eth0",
    ["tunnel", "tunnel", undefined],
  ],
  [
    "an address of this node",
    route("192.168.1.3/32", { type: "local", table: 255 }),
    "192.168.1.3 is an address of this node",
    [undefined, undefined, undefined],
  ],
  [
    "a broadcast address",
    route("192.168.1.3/32", { type: "broadcast", table: 255 }),
    "192.168.1.3 matches the broadcast route 192.168.1.3/32",
    [undefined, undefined, undefined],
  ],
  [
    "inside our own routes",
    route("192.168.1.0/24", { protocol: 77, hops: [hop("192.168.9.1", 2)] }),
    "192.168.1.3 is inside the pod route 192.168.1.0/24",
    [undefined, undefined, undefined],
  ],
  ["nowhere", 101, "no route to 192.168.1.3 (ENETUNREACH)", [undefined, undefined, undefined]],
];

describe("the verdict on a next hop", () => {
  for (const [name, answer, text, modes] of cases) {
    test(name, () => {
      const lookup =
        typeof answer === "number"
          ? ({ found: false, errno: answer, text: "ENETUNREACH" } as const)
          : ({ found: true, route: answer } as const);
      const verdict = judgeSegment("192.168.1.3", lookup, surroundings);
      assert.equal(verdict.text, text);
      const decided = (["cross-subnet", "always", "never"] as const).map(
        (encapsulation) => decideMode(verdict, encapsulation).mode,
      );
      assert.deepEqual(decided, modes);
    });
  }

  const onLink = route("192.168.1.0/24", { hops: [hop(undefined, 2)], scope: 253 });
  const verdictWith = (theirs: string) =>
    judgeSegment(
      "192.168.1.3",
      { found: true, route: onLink },
      {
        ...surroundings,
        theirSubnet: { prefix: prefix(theirs), saidBy: "record" },
        nodeAddress: "192.168.1.2",
      },
    );

  test("a next hop whose own subnet does not hold us is beyond a router, for us as for it", () => {
    assert.equal(
      verdictWith("192.168.1.3/32").text,
      "192.168.1.3 says its subnet is 192.168.1.3/32, which does not hold 192.168.1.2",
    );
    assert.equal(decideMode(verdictWith("192.168.1.3/32"), "cross-subnet").mode, "tunnel");
    assert.equal(decideMode(verdictWith("192.168.0.0/16"), "cross-subnet").mode, "direct");
  });

  test("the far end of a point-to-point link has a mask of all bits, and is there all the same", () => {
    const verdict = judgeSegment(
      "192.168.1.3",
      { found: true, route: route("192.168.1.3/32") },
      {
        ...{ ...surroundings, isInterfaceSubnet: () => true },
        theirSubnet: { prefix: prefix("192.168.1.3/32"), saidBy: "announcement" },
        nodeAddress: "192.168.1.2",
      },
    );
    assert.equal(verdict.text, "192.168.1.3 is in 192.168.1.3/32, a subnet of eth0");
  });
});
