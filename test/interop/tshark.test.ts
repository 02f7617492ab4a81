/**
 * Every kind of message that our encoder makes, read by Wireshark's dissector: it must see as many messages of each kind
 * as were written, every attribute and both families, and have nothing to complain of.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import type { Capability } from "../../src/bgp/capability/capability.ts";
import type { CodecContext } from "../../src/bgp/message/codec-context.ts";
import { encodeEndOfRib } from "../../src/bgp/message/end-of-rib.ts";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import type { UpdateMessage } from "../../src/bgp/message/message.ts";
import { encodeNotification } from "../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { encodeShutdownCommunication } from "../../src/bgp/message/shutdown-communication.ts";
import { encodeUpdate } from "../../src/bgp/message/update.ts";
import type { ExportProfile } from "../../src/bgp/rib/export-profile.ts";
import { createMember } from "../../src/bgp/rib/group-member.ts";
import { PathSource } from "../../src/bgp/rib/source.ts";
import { families } from "../../src/bgp/family/index.ts";
import { splitMessages } from "../support/peer-view.ts";
import { profileOf, RibHarness, ribPeer } from "../support/rib-harness.ts";
import { attributes as attributesOf, ipv4NextHop, nlri } from "../property/codec-arbitraries.ts";
import { codecContext } from "../vectors/context.ts";
import { message } from "../vectors/hex.ts";

const tsharkVersion = (() => {
  try {
    return execFileSync("tshark", ["--version"], { encoding: "utf8", stdio: "pipe" }).split(
      "\n",
    )[0];
  } catch {
    return undefined;
  }
})();
const skip = tsharkVersion === undefined && "tshark is not installed (apt-get install tshark)";

/** A pcap file (link type 101, raw IPv4) of one TCP connection to port 179 that carries these messages, one a packet. */
function pcap(messages: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const file = new DataView(new ArrayBuffer(24));
  file.setUint32(0, 0xa1b2c3d4);
  file.setUint16(4, 2);
  file.setUint16(6, 4);
  file.setUint32(16, 0x40000);
  file.setUint32(20, 101);
  parts.push(new Uint8Array(file.buffer));
  let sequence = 1000;
  const add = (flags: number, payload: Uint8Array): void => {
    parts.push(packet(flags, sequence, payload));
    sequence += payload.length + (flags & 2 ? 1 : 0);
  };
  add(0x02, new Uint8Array(0)); // SYN
  for (const one of messages) add(0x18, one);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function packet(flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  const length = 40 + payload.length;
  const view = new DataView(new ArrayBuffer(16 + length));
  view.setUint32(0, Math.floor(sequence / 1000)); // seconds; only their order matters
  view.setUint32(8, length);
  view.setUint32(12, length);
  const ip = 16;
  view.setUint16(ip, 0x4500);
  view.setUint16(ip + 2, length);
  view.setUint16(ip + 8, 0x4006); // TTL 64, TCP
  view.setUint32(ip + 12, 0xc0000201);
  view.setUint32(ip + 16, 0xc0000202);
  const tcp = ip + 20;
  view.setUint16(tcp, 40000);
  view.setUint16(tcp + 2, 179);
  view.setUint32(tcp + 4, sequence);
  view.setUint16(tcp + 12, 0x5000 | flags);
  view.setUint16(tcp + 14, 0xffff);
  const octets = new Uint8Array(view.buffer);
  octets.set(payload, tcp + 20);
  return octets;
}

interface Dissection {
  /** Message types, in order. */
  readonly types: number[];
  /** Attribute type codes, in order. */
  readonly attributes: number[];
  readonly families: string[];
  /** What Wireshark marks as malformed, or warns of in BGP. */
  readonly complaints: string[];
}

function dissect(messages: readonly Uint8Array[], fourOctetAs = true): Dissection {
  const directory = mkdtempSync(join(tmpdir(), "margay-tshark-"));
  try {
    const path = join(directory, "messages.pcap");
    writeFileSync(path, pcap(messages));
    const fields = [
      "bgp.type",
      "bgp.update.path_attribute.type_code",
      "bgp.update.path_attribute.mp_reach_nlri.afi",
      "bgp.update.path_attribute.mp_unreach_nlri.afi",
      "_ws.malformed",
      "_ws.expert.message",
      "_ws.expert.severity",
    ];
    const options = ["-n", "-r", path, "-o", `bgp.asn_len:${fourOctetAs ? "4 octet" : "2 octet"}`];
    const output = execFileSync(
      "tshark",
      [
        ...options,
        "-T",
        "fields",
        ...fields.flatMap((field) => ["-e", field]),
        "-E",
        "aggregator=;",
      ],
      { encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 28 },
    );
    return summarise(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Wireshark's severities: chat, note, warning, error. */
const noteSeverity = 0x400000;

function summarise(output: string): Dissection {
  const result: Dissection = { types: [], attributes: [], families: [], complaints: [] };
  const numbers = (text: string | undefined): number[] => {
    return (text ?? "").split(";").filter(Boolean).map(Number);
  };
  for (const line of output.split("\n").filter(Boolean)) {
    const [types, codes, reach, unreach, malformed, messages, severities] = line.split("\t");
    result.types.push(...numbers(types));
    result.attributes.push(...numbers(codes));
    result.families.push(...`${reach};${unreach}`.split(";").filter(Boolean));
    if (malformed) result.complaints.push(`malformed: ${malformed}`);
    const grave = numbers(severities).some((severity) => severity >= noteSeverity);
    if (grave) result.complaints.push(`${messages}`);
  }
  return result;
}

const attributes: PathAttributes = {
  origin: 2,
  asPath: [
    { type: 2, asns: [65001, 4200000000] },
    { type: 1, asns: [65002, 4200000001] },
  ],
  nextHop: "192.0.2.1",
  multiExitDisc: 5,
  localPref: 100,
  atomicAggregate: true,
  aggregator: { asn: 4200000000, identifier: 0x0a000001 },
  communities: [0xfde90064, 0xffffff01],
  originatorId: 0x0a000002,
  clusterList: [0x0a000003, 0x0a000004],
  extendedCommunities: [Uint8Array.of(0, 2, 0xfd, 0xe9, 0, 0, 0, 100)],
  largeCommunities: [[65001, 1, 2]],
};
// The default route always travels alone here: Wireshark guesses from a /0 among others that there are path identifiers.
const ipv6Nlri = [{ prefix: "2001:db8::/32" }, { prefix: "2001:db8::1/128" }];
const allCodes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 16, 32];

function update(
  differing: Partial<UpdateMessage>,
  context: CodecContext = codecContext(),
): Uint8Array[] {
  const whole = { withdrawn: [], announced: [], attributes: {}, errors: [], ...differing };
  return encodeUpdate(whole, context);
}

function sorted(codes: readonly number[]): number[] {
  return [...new Set(codes)].sort((a, b) => a - b);
}

test("tshark complains of a broken message, so its silence means something", { skip }, () => {
  const broken = message(2, "0000 0007 40010100 800405");
  assert.notDeepEqual(dissect([broken]).complaints, []);
});

test("tshark reads our OPEN, KEEPALIVE, NOTIFICATION and ROUTE-REFRESH", { skip }, () => {
  const preserved = [
    { afi: 1, safi: 1, forwardingPreserved: true },
    { afi: 2, safi: 1, forwardingPreserved: false },
  ];
  const capabilities: Capability[] = [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "multiprotocol", afi: 2, safi: 1 },
    { name: "routeRefresh" },
    { name: "enhancedRouteRefresh" },
    { name: "extendedMessage" },
    { name: "fourOctetAs", asn: 4200000000 },
    {
      name: "gracefulRestart",
      restarted: true,
      notification: true,
      restartTimeSeconds: 120,
      families: preserved,
    },
  ];
  const open = { asn: 4200000000, holdTimeSeconds: 90, bgpIdentifier: 0x0a000001, capabilities };
  const found = dissect([
    encodeOpen(open),
    encodeOpen({ ...open, capabilities: [] }),
    encodeKeepalive(),
    encodeRouteRefresh({ afi: 1, safi: 1, subtype: 0 }),
    encodeRouteRefresh({ afi: 2, safi: 1, subtype: 1 }),
    encodeRouteRefresh({ afi: 2, safi: 1, subtype: 2 }),
    encodeNotification({ code: 6, subcode: 2, data: encodeShutdownCommunication("back at noon") }),
    encodeNotification({ code: 4, subcode: 0, data: new Uint8Array(0) }),
    encodeNotification({ code: 1, subcode: 2, data: Uint8Array.of(0, 18) }),
  ]);
  assert.deepEqual(found.complaints, []);
  assert.deepEqual(found.types, [1, 1, 4, 5, 5, 5, 3, 3, 3]);
});

test("tshark reads every attribute of our UPDATEs, and both families", { skip }, () => {
  const ipv6 = { ...attributes, nextHop: "2001:db8::1" };
  const messages = [
    ...update({ announced: [{ prefix: "10.233.2.0/24" }, { prefix: "10.0.0.1/32" }], attributes }),
    ...update({ announced: [{ prefix: "0.0.0.0/0" }], attributes }),
    ...update({ withdrawn: [{ prefix: "10.233.2.0/24" }, { prefix: "10.0.0.1/32" }] }),
    ...update({ mpReach: { afi: 2, safi: 1, nlri: ipv6Nlri }, attributes: ipv6 }),
    ...update({
      mpReach: { afi: 2, safi: 1, nlri: ipv6Nlri },
      attributes: { ...ipv6, linkLocalNextHop: "fe80::1" },
    }),
    ...update({ mpReach: { afi: 1, safi: 1, nlri: [{ prefix: "10.0.0.0/8" }] }, attributes }),
    ...update({ mpUnreach: { afi: 2, safi: 1, nlri: ipv6Nlri } }),
    ...update({ mpUnreach: { afi: 2, safi: 1, nlri: [{ prefix: "::/0" }] } }),
    encodeEndOfRib(1, 1),
    encodeEndOfRib(2, 1),
  ];
  const found = dissect(messages);
  assert.deepEqual(found.complaints, []);
  assert.deepEqual(
    found.types,
    messages.map(() => 2),
  );
  assert.deepEqual(sorted(found.attributes), sorted([...allCodes, 15]));
  assert.equal(found.families.length, 6);
});

test("tshark reads our UPDATEs toward a speaker of 2-octet AS numbers", { skip }, () => {
  const old = codecContext({ fourOctetAs: false, external: true });
  const found = dissect(update({ announced: [{ prefix: "10.0.0.0/8" }], attributes }, old), false);
  assert.deepEqual(found.complaints, []);
  assert.deepEqual(sorted(found.attributes), [1, 2, 3, 4, 6, 7, 8, 16, 17, 18, 32]);
});

test("tshark reads our full UPDATEs, and a path of 600 AS numbers", { skip }, () => {
  const announced = Array.from({ length: 30000 }, (_, index) => {
    return { prefix: `10.${index >>> 8}.${index & 255}.0/24` };
  });
  const asns = Array.from({ length: 600 }, (_, index) => 65000 + index);
  const long = { ...attributes, asPath: [{ type: 2, asns }] } as const;
  const messages = [
    ...update({ announced, withdrawn: announced, attributes }),
    ...update({ announced, attributes: long }),
  ];
  assert.ok(messages.length > 100 && messages.filter(({ length }) => length > 4090).length > 100);
  const found = dissect(messages);
  assert.deepEqual(found.complaints, []);
  assert.deepEqual(
    found.types,
    messages.map(() => 2),
  );
});

test("tshark reads whatever attributes a session may send", { skip }, () => {
  const context = codecContext();
  // Wireshark knows the codes that we do not, and minds that their arbitrary values are none of theirs.
  const known = attributesOf(context).map((all) => {
    const { unknown: _, ...rest } = all;
    return rest;
  });
  const prefix = nlri(4, false).filter((one) => !one.prefix.endsWith("/0"));
  const updates = fc.sample(fc.tuple(known, ipv4NextHop, fc.array(prefix, { minLength: 1 })), {
    numRuns: 300,
    seed: 4271,
  });
  const messages = updates.flatMap(([rest, nextHop, announced]) => {
    return update({ announced, attributes: { ...rest, nextHop } }, context);
  });
  const found = dissect(messages);
  assert.deepEqual(found.complaints, []);
  assert.equal(found.types.length, messages.length);
});

describe("tshark reads what update groups write", { skip }, () => {
  const { originatorId: _originator, clusterList: _clusters, ...plain } = attributes;
  for (const family of families) {
    const isIpv4 = family.version === 4;
    const block = (index: number): string =>
      isIpv4 ? `10.${index >> 8}.${index & 255}.0/24` : `2001:db8:${(index + 1).toString(16)}::/48`;
    const written = (profile: Partial<ExportProfile>, source: PathSource): Uint8Array[] => {
      const peers = [ribPeer(1, { source: PathSource.client }), ribPeer(2, { source })];
      const harness = new RibHarness(family, peers);
      const messages: Uint8Array[] = [];
      const member = createMember(2, (parts) => {
        for (const part of parts) messages.push(...splitMessages(part));
        return true;
      });
      harness.rib.join(profileOf(harness.peer(2), family, profile), member);
      const prefixes = Array.from({ length: 3000 }, (_, index) => block(index));
      const nextHop = isIpv4 ? "192.0.2.7" : "2001:db8::7";
      // NO_EXPORT would keep them from an external peer.
      harness.announce(1, prefixes, { ...plain, nextHop, communities: [0xfde90064] });
      harness.settle();
      harness.withdraw(1, prefixes.slice(0, 2000));
      harness.settle();
      return messages;
    };
    for (const [what, source, profile] of [
      ["reflected to a client", PathSource.client, {}],
      ["sent to an external peer", PathSource.external, {}],
      ["sent to a speaker of 2-octet AS numbers", PathSource.client, { fourOctetAs: false }],
    ] as const) {
      test(`${family.name} ${what}`, () => {
        const messages = written(profile, source);
        const { types, complaints } = dissect(messages, !("fourOctetAs" in profile));
        assert.deepEqual(complaints, []);
        assert.equal(types.length, messages.length);
        assert.ok(messages.length > 5, `${messages.length} messages`);
        assert.ok(messages.some((octets) => octets.length > 4000));
      });
    }
  }
});
