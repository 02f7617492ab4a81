import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import type { Capability } from "../../src/bgp/capability/capability.ts";
import { type CodecContext, familyKey } from "../../src/bgp/message/codec-context.ts";
import type {
  Nlri,
  NotificationMessage,
  OpenMessage,
  RouteRefreshMessage,
} from "../../src/bgp/message/message.ts";
import { formatIpAddress } from "../../src/net/ip-address.ts";
import { prefixFromOctets } from "../../src/net/prefix.ts";
import { codecContext } from "../vectors/context.ts";

const uint8 = fc.integer({ min: 0, max: 0xff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
/** Small and large ones alike, never 0. */
const asn = fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffffffff }));

function octets(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Plain objects, as decoders make them. */
function record<T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** The same, each property present or absent. */
function optional<T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<Partial<T>> {
  const constraints = { requiredKeys: [], noNullPrototype: true };
  return fc.record(model, constraints) as fc.Arbitrary<Partial<T>>;
}

export const context: fc.Arbitrary<CodecContext> = record({
  fourOctetAs: fc.boolean(),
  external: fc.boolean(),
  maximumMessageOctets: fc.constantFrom(4096, 65535),
  addPath: fc.subarray([familyKey(1, 1), familyKey(2, 1)]),
}).map(({ addPath, ...rest }) =>
  codecContext({ ...rest, addPathReceive: new Set(addPath), addPathSend: new Set(addPath) }),
);

const capability: fc.Arbitrary<Capability> = fc.oneof(
  record({ name: fc.constant("multiprotocol" as const), afi: uint16, safi: uint8 }),
  fc.constantFrom<Capability>(
    { name: "routeRefresh" },
    { name: "enhancedRouteRefresh" },
    { name: "extendedMessage" },
  ),
  record({ name: fc.constant("fourOctetAs" as const), asn }),
  record({
    name: fc.constant("extendedNextHop" as const),
    families: fc.array(record({ afi: uint16, safi: uint16, nextHopAfi: uint16 }), {
      maxLength: 42,
    }),
  }),
  record({
    name: fc.constant("gracefulRestart" as const),
    restarted: fc.boolean(),
    notification: fc.boolean(),
    restartTimeSeconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(record({ afi: uint16, safi: uint8, forwardingPreserved: fc.boolean() }), {
      maxLength: 63,
    }),
  }),
  record({
    name: fc.constant("unknown" as const),
    code: fc.constantFrom(0, 3, 73, 128, 255),
    value: fc.uint8Array({ maxLength: 255 }),
  }),
);

/** With the AS number that its capabilities say, where they say one. */
export const open: fc.Arbitrary<OpenMessage> = record({
  asn: fc.integer({ min: 1, max: 0xffff }),
  holdTimeSeconds: uint16.filter((seconds) => seconds !== 1 && seconds !== 2),
  bgpIdentifier: fc.integer({ min: 1, max: 0xffffffff }),
  capabilities: fc.array(capability, { maxLength: 12 }),
}).map((message) => {
  const last = message.capabilities.findLast(({ name }) => name === "fourOctetAs");
  return last?.name === "fourOctetAs" ? { ...message, asn: last.asn } : message;
});

export const notification: fc.Arbitrary<NotificationMessage> = record({
  code: uint8,
  subcode: uint8,
  data: fc.uint8Array({ maxLength: 4075 }),
});

export const routeRefresh: fc.Arbitrary<RouteRefreshMessage> = record({
  afi: uint16,
  safi: uint8,
  subtype: uint8,
});

export function nlri(version: 4 | 6, addPath: boolean): fc.Arbitrary<Nlri> {
  const size = version === 4 ? 4 : 16;
  return fc
    .tuple(octets(size), fc.integer({ min: 0, max: size * 8 }), uint32)
    .map(([address, length, pathId]) => {
      const prefix = prefixFromOctets(address, length).text;
      return addPath ? { prefix, pathId } : { prefix };
    });
}

export const ipv4NextHop = octets(4)
  .filter((address) => address[0] !== 0 && address[0] !== 127 && (address[0] as number) < 224)
  .map(formatIpAddress);

/** Global unicast, 2000::/3. */
export const ipv6NextHop = octets(16).map((address) => {
  address[0] = 0x20 | ((address[0] as number) & 0x1f);
  return formatIpAddress(address);
});

export const linkLocalNextHop = octets(16).map((address) => {
  address.set([0xfe, 0x80]);
  return formatIpAddress(address);
});

const asPath = fc.array(
  record({
    type: fc.constantFrom<1 | 2>(1, 2),
    asns: fc.array(asn, { minLength: 1, maxLength: 255, size: "small" }),
  }),
  { maxLength: 4 },
);

/** Codes without a row, each once, ascending. The Partial bit is set, as it is on all that was passed on. */
const unknown = fc
  .uniqueArray(
    record({
      code: fc.constantFrom(0, 11, 20, 99, 200, 255),
      flags: fc.constantFrom(0xe0, 0xf0),
      value: fc.uint8Array({ maxLength: 300, size: "small" }),
    }),
    { minLength: 1, maxLength: 4, selector: ({ code }) => code },
  )
  .map((list) =>
    [...list]
      .sort((a, b) => a.code - b.code)
      // The encoder uses two octets where one is too small.
      .map((one) => (one.value.length > 255 ? { ...one, flags: 0xf0 } : one)),
  );

/** What a peer of that session may send: nothing that a decoder would discard, mandatory attributes there. */
export function attributes({ external }: CodecContext): fc.Arbitrary<PathAttributes> {
  const internalOnly = {
    localPref: uint32,
    originatorId: uint32,
    clusterList: fc.array(uint32, { minLength: 1, maxLength: 5 }),
  };
  return fc
    .tuple(
      record({ origin: fc.constantFrom<0 | 1 | 2>(0, 1, 2), asPath }),
      optional({
        multiExitDisc: uint32,
        atomicAggregate: fc.constant(true as const),
        aggregator: record({ asn, identifier: uint32 }),
        communities: fc.array(uint32, { minLength: 1, maxLength: 80, size: "small" }),
        extendedCommunities: fc.array(octets(8), { minLength: 1, maxLength: 5 }),
        largeCommunities: fc.uniqueArray(fc.tuple(uint32, uint32, uint32), {
          minLength: 1,
          maxLength: 5,
          selector: String,
        }),
        unknown,
      }),
      external ? fc.constant({}) : optional(internalOnly),
      fc.boolean(),
    )
    .map(([mandatory, others, internal, isPartial]) => {
      const all: PathAttributes = { ...mandatory, ...others, ...internal };
      return isPartial && all.communities !== undefined ? { ...all, partial: [8] } : all;
    });
}
