import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { decodeInterfaceAddress, encodeInterfaceAddress } from "../../../src/netlink/address.ts";
import { errnoText, NetlinkError } from "../../../src/netlink/errno.ts";
import { ownEchoFilter } from "../../../src/netlink/event-filter.ts";
import {
  decodeNeighbour,
  encodeNeighbour,
  type Neighbour,
} from "../../../src/netlink/neighbour.ts";
import { decodeNextHop, encodeNextHop } from "../../../src/netlink/next-hop.ts";
import { decodeLink, encodeLinkChange, encodeNewLink } from "../../../src/netlink/link.ts";
import {
  decodeAcknowledgement,
  encodeMessage,
  type NetlinkMessage,
  walkMessages,
} from "../../../src/netlink/message.ts";
import { decodeRoute, type RoutePath } from "../../../src/netlink/route.ts";
import { encodeRouteLookup, RouteEncoder } from "../../../src/netlink/route-request.ts";

/** Octets of annotated hexadecimal: everything after `;` on a line is a remark. */
function octets(text: string): Uint8Array {
  const digits = text.replaceAll(/;.*$/gm, "").replaceAll(/\s/g, "");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

function messages(datagram: Uint8Array): NetlinkMessage[] {
  const all: NetlinkMessage[] = [];
  walkMessages(datagram, (message) => all.push({ ...message, payload: message.payload }));
  return all;
}

const direct: RoutePath = {
  type: "unicast",
  hops: [{ gateway: "192.168.1.3", ifindex: 3, onlink: false, weight: 1 }],
};

const createDirect = octets(`
  34000000 1800 0106 07000000 00000000 ; 52 octets, RTM_NEWROUTE, REQUEST|EXCL|CREATE, seq 7
  02 18 00 00 fe 4d 00 01 00000000     ; AF_INET, /24, main, protocol 77, universe, unicast
  0800 0100 0ae90200                   ; RTA_DST 10.233.2.0
  0800 0400 03000000                   ; RTA_OIF 3
  0800 0500 c0a80103                   ; RTA_GATEWAY 192.168.1.3
`);

describe("route requests", () => {
  test("a direct route, alone, asks for its acknowledgement", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 254 });
    const change = {
      op: "create",
      prefix: prefix("10.233.2.0/24"),
      metric: 0,
      path: direct,
    } as const;
    const expected = Uint8Array.from(createDirect);
    expected[6] = 0x05; // and ACK
    assert.deepEqual(Uint8Array.from(encoder.encode([change], 7)), expected);
  });

  test("of many, the last alone asks for it, and the template keeps nothing of another's prefix", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 254 });
    const changes = ["10.233.255.0/26", "10.233.2.0/24", "10.0.0.0/8"].map((text) => {
      return { op: "create", prefix: prefix(text), metric: 0, path: direct } as const;
    });
    const encoded = encoder.encode(changes, 6);
    assert.deepEqual(Uint8Array.from(encoded.subarray(52, 104)), createDirect);
    const read = messages(encoded).map(({ payload, flags, sequence }) => {
      return `${decodeRoute(payload)?.prefix.text} ${flags.toString(16)} ${sequence}`;
    });
    assert.deepEqual(read, ["10.233.255.0/26 601 6", "10.233.2.0/24 601 7", "10.0.0.0/8 605 8"]);
  });

  test("a tunnelled route is onlink", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 254 });
    const path: RoutePath = {
      type: "unicast",
      hops: [{ gateway: "192.168.2.2", ifindex: 9, onlink: true, weight: 1 }],
    };
    const change = { op: "replace", prefix: prefix("10.233.2.0/24"), metric: 0, path } as const;
    assert.deepEqual(
      Uint8Array.from(encoder.encode([change], 1)),
      octets(`
        34000000 1800 0505 01000000 00000000 ; RTM_NEWROUTE, REQUEST|ACK|REPLACE|CREATE
        02 18 00 00 fe 4d 00 01 04000000     ; RTNH_F_ONLINK
        0800 0100 0ae90200
        0800 0400 09000000
        0800 0500 c0a80202
      `),
    );
  });

  test("the own pod CIDR's is unreachable, with a metric and without a way", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 254 });
    const path: RoutePath = { type: "unreachable", hops: [] };
    const at = { prefix: prefix("10.233.1.0/24"), metric: 4_278_198_272, path };
    assert.deepEqual(
      Uint8Array.from(encoder.encode([{ op: "create", ...at }], 1)),
      octets(
        `
        2c000000 1800 0506 01000000 00000000
        02 18 00 00 fe 4d 00 07 00000000     ; unreachable
        0800 0100 0ae90100
        0800 0600 002000ff                   ; RTA_PRIORITY 0xff002000
      `,
      ),
    );
  });

  test("a deletion names protocol, type and metric, and no way", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 300 });
    const change = {
      op: "delete",
      prefix: prefix("10.233.2.0/24"),
      metric: 5,
      path: direct,
    } as const;
    assert.deepEqual(
      Uint8Array.from(encoder.encode([change], 1)),
      octets(`
        34000000 1900 0500 01000000 00000000 ; RTM_DELROUTE, REQUEST|ACK
        02 18 00 00 00 4d ff 01 00000000     ; no table here, protocol 77, any scope, unicast
        0800 0100 0ae90200
        0800 0f00 2c010000                   ; RTA_TABLE 300
        0800 0600 05000000                   ; RTA_PRIORITY 5
      `),
    );
  });

  test("a lookup asks for the entry of the FIB", () => {
    assert.deepEqual(
      encodeRouteLookup("192.168.1.3"),
      octets(`
        02 20 00 00 00 00 00 00 00200000     ; AF_INET, /32, RTM_F_FIB_MATCH
        0800 0100 c0a80103
      `),
    );
  });
});

const someHop = fc.record(
  {
    gateway: fc.constantFrom("192.168.1.3", "10.0.0.1"),
    ifindex: fc.integer({ min: 1, max: 100_000 }),
    onlink: fc.boolean(),
    weight: fc.integer({ min: 1, max: 256 }),
  },
  { noNullPrototype: true },
);

describe("routes", () => {
  test("decode to what was encoded", () => {
    const route = fc.record({
      value: fc.integer({ min: 0, max: 0xffffffff }),
      length: fc.integer({ min: 0, max: 32 }),
      metric: fc.integer({ min: 0, max: 0xffffffff }),
      table: fc.integer({ min: 1, max: 70_000 }),
      hops: fc.array(someHop, { minLength: 1, maxLength: 4 }),
      mtu: fc.option(fc.integer({ min: 68, max: 65_535 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(route, ({ value, length, metric, table, hops, mtu }) => {
        const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
        const masked = (value & mask) >>> 0;
        const text = `${[24, 16, 8, 0].map((shift) => (masked >>> shift) & 255).join(".")}/${length}`;
        const at = prefix(text);
        const ways = hops.length === 1 ? hops.map((hop) => ({ ...hop, weight: 1 })) : hops;
        const path: RoutePath = { type: "unicast", hops: ways, mtu };
        const encoder = new RouteEncoder({ protocol: 77, table });
        const [message] = messages(encoder.encode([{ op: "create", prefix: at, metric, path }], 1));
        assert.deepEqual(decodeRoute(message?.payload ?? new Uint8Array()), {
          prefix: at,
          ...{ type: "unicast", hops: ways, table, protocol: 77, scope: 0, metric, mtu },
          ...{ source: undefined, nextHopId: undefined, extras: "" },
        });
      }),
    );
  });

  test("show what margay would never set", () => {
    const payload = octets(`
      02 18 00 10 fe 4d 00 01 00000000     ; tos 16
      0800 0100 0ae90200
      1400 0880 0800 0100 04000000 0800 0200 78050000 ; RTA_METRICS, nested: an MTU, and a lock on it
      0800 0700 c0a80102                   ; RTA_PREFSRC
      0800 1e00 05000000                   ; RTA_NH_ID 5
    `);
    const route = decodeRoute(payload);
    assert.equal(route?.extras, "tos 16 metrics");
    assert.equal(route?.nextHopId, 5);
    assert.equal(route?.source, "192.168.1.2");
  });

  test("through a next-hop object name it alone", () => {
    const encoder = new RouteEncoder({ protocol: 77, table: 254 });
    const path: RoutePath = { ...direct, nextHopId: 0x4d00_0001 };
    const change = { op: "create", prefix: prefix("10.233.2.0/24"), metric: 0, path } as const;
    assert.deepEqual(
      Uint8Array.from(encoder.encode([change], 7)),
      octets(`
        2c000000 1800 0506 07000000 00000000
        02 18 00 00 fe 4d 00 01 00000000
        0800 0100 0ae90200
        0800 1e00 0100004d                   ; RTA_NH_ID
      `),
    );
  });

  test("another family, a cloned route, or a cut one is none", () => {
    const payload = messages(createDirect)[0]?.payload as Uint8Array;
    assert.equal(decodeRoute(Uint8Array.of(7, ...payload.subarray(1))), undefined);
    const cloned = Uint8Array.from(payload);
    cloned[9] = 0x02;
    assert.equal(decodeRoute(cloned), undefined);
    assert.equal(decodeRoute(payload.subarray(0, 11)), undefined);
  });
});

describe("links and addresses", () => {
  const eth0 = octets(`
    00 00 0100 02000000 43100100 00000000 ; any family, Ethernet, ifindex 2, UP|BROADCAST|RUNNING|LOWER_UP
    0900 0300 6574683000 000000           ; IFLA_IFNAME "eth0"
    0800 0400 dc050000                    ; IFLA_MTU 1500
    1000 1200 0900 0100 76657468 00 000000 ; IFLA_LINKINFO { IFLA_INFO_KIND "veth" }
  `);

  test("a link is read", () => {
    assert.deepEqual(decodeLink(eth0), {
      ...{ ifindex: 2, name: "eth0", mtu: 1500, up: true, running: true },
      ...{
        loopback: false,
        kind: "veth",
        mac: undefined,
        alias: undefined,
        vxlan: undefined,
        ipTunnel: undefined,
      },
    });
  });

  test("a VXLAN device and its way back", () => {
    const vxlan = { id: 4077, port: 4789, local: "192.168.1.2", learning: false };
    const mac = "4e:77:c0:a8:01:02";
    const link = decodeLink(encodeNewLink({ name: "vxlan.margay", kind: "vxlan", mac, vxlan }));
    assert.deepEqual([link?.kind, link?.mac, link?.vxlan], ["vxlan", mac, vxlan]);
    const six = { ...vxlan, local: "2001:db8::2" };
    const other = decodeLink(encodeNewLink({ name: "vxlan6", kind: "vxlan", mac, vxlan: six }));
    assert.deepEqual(other?.vxlan, six);
  });

  test("a neighbour and its way back", () => {
    const entry: Neighbour = {
      ...{ table: "bridge" as const, ifindex: 7, address: "192.168.2.2", mac: "4e:77:c0:a8:02:02" },
      ...{ permanent: true, failed: false, reachable: true },
    };
    const body = encodeNeighbour(entry);
    assert.deepEqual(
      body,
      octets("07 00 0000 07000000 8000 02 00 0800 0100 c0a80202 0a00 0200 4e77c0a80202 0000"),
    );
    assert.deepEqual(decodeNeighbour(body), entry);
    assert.deepEqual(decodeNeighbour(encodeNeighbour({ ...entry, table: "ipv4" }))?.table, "ipv4");
    for (let end = 0; end < 12; end++)
      assert.equal(decodeNeighbour(body.subarray(0, end)), undefined);
  });

  test("a change names only what it changes", () => {
    assert.deepEqual(
      encodeLinkChange(9, { up: true, mtu: 1480 }),
      octets("00 00 0000 09000000 01000000 01000000 0800 0400 c8050000"),
    );
    assert.deepEqual(
      encodeLinkChange(9, { mtu: 1480 }),
      octets("00 00 0000 09000000 00000000 00000000 0800 0400 c8050000"),
    );
    assert.deepEqual(
      encodeLinkChange(9, { up: false }),
      octets("00 00 0000 09000000 00000000 01000000"),
    );
  });

  test("a new link names its kind", () => {
    assert.deepEqual(
      encodeNewLink({ name: "tunl0", kind: "ipip" }),
      octets(`
        00 00 0000 00000000 00000000 00000000
        0a00 0300 74756e6c3000 0000
        1000 1200 0900 0100 69706970 00 000000
      `),
    );
  });

  test("an address and its way back", () => {
    const body = encodeInterfaceAddress(9, "10.233.1.0", 32, 77);
    assert.deepEqual(
      body,
      octets(`
        02 20 00 00 09000000
        0800 0200 0ae90100                   ; IFA_LOCAL
        0800 0100 0ae90100                   ; IFA_ADDRESS
        0500 0b00 4d 000000                  ; IFA_PROTO 77
      `),
    );
    assert.deepEqual(decodeInterfaceAddress(body), {
      ...{ ifindex: 9, address: "10.233.1.0", subnetAddress: "10.233.1.0" },
      ...{ prefixLength: 32, protocol: 77 },
    });
  });
});

describe("messages", () => {
  test("an error is read with the kernel's words", () => {
    const datagram = octets(`
      44000000 0200 0003 07000000 01000000 ; 68 octets, NLMSG_ERROR, CAPPED|ACK_TLVS, seq 7
      9bffffff                             ; -101
      34000000 1800 0506 07000000 00000000 ; the header of what failed
      1d00 0100 4e657874686f702068617320696e76616c696420676174657761 ; NLMSGERR_ATTR_MSG
      000000
    `);
    const [message] = messages(datagram);
    assert.ok(message);
    assert.equal(message.sequence, 7);
    const answer = decodeAcknowledgement(message);
    assert.equal(answer?.errno, 101);
    assert.match(answer?.text ?? "", /^Nexthop has invalid gatew/);
  });

  test("an acknowledgement is an error of nothing", () => {
    const body = octets("00000000 34000000 1800 0506 07000000 00000000");
    const [message] = messages(encodeMessage(2, 0x100, 7, body));
    assert.deepEqual(message && decodeAcknowledgement(message), { errno: 0, text: undefined });
  });

  test("whatever comes, the walk ends and nothing throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        walkMessages(random, (message) => {
          decodeAcknowledgement(message);
          decodeRoute(message.payload);
        });
        decodeRoute(random);
        decodeLink(random);
        decodeInterfaceAddress(random);
      }),
      { numRuns: 2000 },
    );
  });

  test("damaged routes of the right shape do not throw either", () => {
    const [message] = messages(createDirect);
    fc.assert(
      fc.property(fc.nat({ max: 35 }), fc.nat({ max: 255 }), (at, value) => {
        const payload = Uint8Array.from(message?.payload ?? []);
        payload[at] = value;
        decodeRoute(payload);
        decodeRoute(payload.subarray(0, at));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the filter of own echoes", () => {
  /** Runs the classic BPF program as the kernel does; true when the packet is kept. */
  function keeps(program: Uint8Array, packet: Uint8Array): boolean {
    const view = new DataView(program.buffer);
    const data = new DataView(packet.buffer, packet.byteOffset, packet.length);
    let register = 0;
    for (let at = 0; ; at++) {
      const code = view.getUint16(at * 8, true);
      const k = view.getUint32(at * 8 + 4, true);
      if (code === 0x28) register = data.getUint16(k);
      else if (code === 0x20) register = data.getUint32(k);
      else if (code === 0x06) return k !== 0;
      else at += register === k ? view.getUint8(at * 8 + 2) : view.getUint8(at * 8 + 3);
    }
  }

  test("drops route events of the two sockets, and nothing else", () => {
    const program = ownEchoFilter([0x1234_5678, 0x1234_5670]);
    const event = (type: number, portId: number): Uint8Array => {
      const message = encodeMessage(type, 0, 0, new Uint8Array(12));
      new DataView(message.buffer).setUint32(12, portId, true);
      return message;
    };
    assert.equal(keeps(program, event(24, 0x1234_5678)), false);
    assert.equal(keeps(program, event(25, 0x1234_5678)), false);
    assert.equal(keeps(program, event(24, 0x1234_5670)), false);
    assert.equal(keeps(program, event(25, 0x1234_5670)), false);
    assert.equal(keeps(program, event(24, 0x1234_5679)), true);
    assert.equal(keeps(program, event(25, 0)), true);
    assert.equal(keeps(program, event(16, 0x1234_5678)), true);
    assert.equal(keeps(program, event(20, 0x1234_5678)), true);
  });
});

describe("next-hop objects", () => {
  const single = {
    ...{ id: 0x4d00_0001, protocol: 77, members: [] },
    hop: { gateway: "192.168.1.3", ifindex: 3, onlink: true },
  };

  test("have family, protocol, flags, and a way", () => {
    assert.deepEqual(
      encodeNextHop(single),
      octets(`
        02 00 4d 00 04000000                 ; AF_INET, protocol 77, RTNH_F_ONLINK
        0800 0100 0100004d                   ; NHA_ID
        0800 0600 c0a80103                   ; NHA_GATEWAY
        0800 0500 03000000                   ; NHA_OIF
      `),
    );
  });

  test("of a group have members with their weights", () => {
    const members = [
      { id: 1, weight: 1 },
      { id: 2, weight: 256 },
    ];
    assert.deepEqual(
      encodeNextHop({ id: 3, protocol: 77, hop: undefined, members }),
      octets(`
        00 00 4d 00 00000000                 ; AF_UNSPEC
        0800 0100 03000000
        1400 0200 01000000 00 00 0000  02000000 ff 00 0000
      `),
    );
  });

  test("decode to what was encoded", () => {
    const hop = fc.record({
      gateway: fc.constantFrom("192.168.1.3", "fe80::3"),
      ifindex: fc.integer({ min: 1, max: 0xffffffff }),
      onlink: fc.boolean(),
    });
    const id = fc.integer({ min: 1, max: 0xffffffff });
    const member = fc.record({ id, weight: fc.integer({ min: 1, max: 256 }) });
    const protocol = fc.integer({ min: 1, max: 255 });
    const object = fc.oneof(
      fc.record({ id, protocol, hop, members: fc.constant([]) }),
      fc.record({
        ...{ id, protocol, hop: fc.constant(undefined) },
        members: fc.array(member, { minLength: 1, maxLength: 64 }),
      }),
    );
    fc.assert(
      fc.property(object, (one) => {
        const decoded = JSON.stringify(decodeNextHop(encodeNextHop(one)));
        assert.deepEqual(JSON.parse(decoded), JSON.parse(JSON.stringify(one)));
      }),
    );
  });

  test("of which only a part came are none", () => {
    const whole = encodeNextHop(single);
    assert.equal(decodeNextHop(whole.subarray(0, 7)), undefined);
    assert.equal(decodeNextHop(whole.subarray(0, 8)), undefined);
  });
});

describe("errno", () => {
  test("has its name, and the kernel's words before ours", () => {
    assert.equal(errnoText(17), "EEXIST: already there");
    assert.equal(
      errnoText(101, "Nexthop has invalid gateway"),
      "ENETUNREACH: Nexthop has invalid gateway",
    );
    assert.equal(errnoText(4095), "E4095");
    const error = new NetlinkError("add 10.0.0.0/32", 1);
    assert.equal(error.message, "add 10.0.0.0/32: EPERM: operation not permitted");
    assert.equal(error.reason, "EPERM: operation not permitted");
  });
});
