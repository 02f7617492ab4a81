import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePathAttributes } from "../../src/bgp/attribute/decode-attributes.ts";
import { encodePathAttributes } from "../../src/bgp/attribute/encode-attributes.ts";
import { asPathLength } from "../../src/bgp/attribute/as-path.ts";
import type { AsPathSegment, PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { BgpError } from "../../src/bgp/errors.ts";
import { type CodecContext, familyKey } from "../../src/bgp/message/codec-context.ts";
import { decodeMessage } from "../../src/bgp/message/decode-message.ts";
import { encodeNotification } from "../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { decodeShutdownCommunication } from "../../src/bgp/message/shutdown-communication.ts";
import { describeNotification } from "../../src/bgp/message/describe-notification.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/message/update.ts";
import { Writer } from "../../src/wire/writer.ts";
import { codecContext } from "../vectors/context.ts";
import { message } from "../vectors/hex.ts";
import {
  attributes as attributesOf,
  context as anyContext,
  ipv4NextHop,
  ipv6NextHop,
  linkLocalNextHop,
  nlri as nlriOf,
  notification,
  open,
  routeRefresh,
} from "./codec-arbitraries.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 300);
const internal = codecContext();

/** Runs a decoder on what may be rubbish. */
function survives(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    // It has to fit a NOTIFICATION.
    assert.ok(error.code > 0 && error.code < 256 && error.subcode < 256);
    encodeNotification(error);
  }
}

test("OPEN comes back as it went", () => {
  fc.assert(
    fc.property(
      open.filter(({ capabilities }) => capabilities.length < 12),
      (value) => {
        const decoded = decodeMessage(encodeOpen(value), internal);
        assert.ok(decoded.type === "OPEN");
        // Of the two forms of RFC 9072 the encoder takes the one that fits.
        const { extendedParameters: _, ...again } = decoded.open;
        assert.deepEqual(again, value);
      },
    ),
    { numRuns: runs },
  );
});

test("NOTIFICATION and ROUTE-REFRESH come back as they went", () => {
  fc.assert(
    fc.property(notification, (value) => {
      const decoded = decodeMessage(encodeNotification(value), internal);
      assert.deepEqual(decoded, { type: "NOTIFICATION", notification: value });
    }),
    { numRuns: runs },
  );
  fc.assert(
    fc.property(routeRefresh, (value) => {
      const decoded = decodeMessage(encodeRouteRefresh(value), internal);
      assert.deepEqual(decoded, { type: "ROUTE-REFRESH", routeRefresh: value });
    }),
    { numRuns: runs },
  );
});

/** Sequences side by side made one, as AS4_PATH's merging leaves them. */
function joined(path: readonly AsPathSegment[]): AsPathSegment[] {
  const result: AsPathSegment[] = [];
  for (const segment of path) {
    const last = result.at(-1);
    if (last?.type === 2 && segment.type === 2) {
      result[result.length - 1] = { type: 2, asns: [...last.asns, ...segment.asns] };
    } else result.push(segment);
  }
  return result;
}

function comparable(attributes: PathAttributes): PathAttributes {
  return attributes.asPath ? { ...attributes, asPath: joined(attributes.asPath) } : attributes;
}

const ipv4Update = anyContext.chain((context) =>
  fc.record({
    context: fc.constant(context),
    attributes: fc
      .tuple(attributesOf(context), ipv4NextHop)
      .map(([rest, nextHop]) => ({ ...rest, nextHop })),
    announced: fc.array(nlriOf(4, context.addPathSend.has(familyKey(1, 1))), { minLength: 1 }),
    withdrawn: fc.array(nlriOf(4, context.addPathSend.has(familyKey(1, 1)))),
  }),
);

test("an UPDATE of IPv4 unicast comes back as it went, whatever the session negotiated", () => {
  fc.assert(
    fc.property(ipv4Update, ({ context, attributes, announced, withdrawn }) => {
      const encoded = encodeUpdate({ attributes, announced, withdrawn, errors: [] }, context);
      const decoded = encoded.map((one) => {
        assert.ok(one.length <= context.maximumMessageOctets);
        return decodeUpdate(one.subarray(19), context);
      });
      assert.deepEqual(
        decoded.flatMap((one) => one.errors),
        [],
      );
      assert.deepEqual(
        decoded.flatMap((one) => one.announced),
        announced,
      );
      assert.deepEqual(
        decoded.flatMap((one) => one.withdrawn),
        withdrawn,
      );
      const last = decoded.at(-1)?.attributes ?? {};
      assert.deepEqual(comparable(last), comparable(attributes));
    }),
    { numRuns: runs },
  );
});

const ipv6Update = anyContext.chain((context) =>
  fc.record({
    context: fc.constant(context),
    attributes: fc
      .tuple(
        attributesOf(context),
        fc.record(
          { nextHop: ipv6NextHop, linkLocalNextHop },
          { requiredKeys: ["nextHop"], noNullPrototype: true },
        ),
      )
      .map(([rest, nextHops]) => ({ ...rest, ...nextHops })),
    nlri: fc.array(nlriOf(6, context.addPathSend.has(familyKey(2, 1))), {
      minLength: 1,
      size: "medium",
    }),
  }),
);

test("an UPDATE of IPv6 unicast comes back as it went, announced and withdrawn", () => {
  fc.assert(
    fc.property(ipv6Update, ({ context, attributes, nlri }) => {
      const family = { afi: 2, safi: 1, nlri };
      const value = { withdrawn: [], announced: [], attributes, errors: [] };
      const both = { ...value, mpReach: family, mpUnreach: family };
      const decoded = encodeUpdate(both, context).map((one) => {
        assert.ok(one.length <= context.maximumMessageOctets);
        return decodeUpdate(one.subarray(19), context);
      });
      assert.deepEqual(
        decoded.flatMap((one) => one.errors),
        [],
      );
      for (const name of ["mpReach", "mpUnreach"] as const) {
        const all = decoded.flatMap(({ [name]: found }) =>
          found && "nlri" in found ? found.nlri : [],
        );
        assert.deepEqual(all, nlri);
      }
      const last = decoded.at(-1)?.attributes ?? {};
      assert.deepEqual(comparable(last), comparable(attributes));
    }),
    { numRuns: runs },
  );
});

test("encoding is canonical: what was decoded is encoded to the same octets", () => {
  fc.assert(
    fc.property(ipv4Update, ({ context, attributes }) => {
      const writer = new Writer();
      encodePathAttributes(attributes, context, writer);
      const first = writer.finish();
      const decoded = decodePathAttributes(first, 0, first.length, context, { announces: true });
      writer.truncate(0);
      encodePathAttributes(decoded.attributes, context, writer);
      // Two sequences that AS4_PATH's merging joined may be cut elsewhere; their length is the same.
      if (context.fourOctetAs) assert.deepEqual(writer.finish(), first);
      assert.equal(
        asPathLength(decoded.attributes.asPath ?? []),
        asPathLength(attributes.asPath ?? []),
      );
    }),
    { numRuns: runs },
  );
});

/** A body that starts like the real thing, so that rubbish gets past the first checks. */
const plausibleUpdate = fc
  .array(
    fc.oneof(
      fc.record({
        flags: fc.constantFrom(0x40, 0x50, 0x80, 0x90, 0xc0, 0xd0, 0xe0, 0x00),
        code: fc.oneof(fc.integer({ min: 0, max: 18 }), fc.constantFrom(32, 35, 128)),
        value: fc.uint8Array({ maxLength: 40 }),
        lie: fc.constantFrom(0, 0, 0, 0, 1, -1, 200),
      }),
    ),
    { maxLength: 8 },
  )
  .chain((list) => {
    const block = list.flatMap(({ flags, code, value, lie }) => {
      const length = Math.max(0, value.length + lie) & 0xff;
      return flags & 0x10 ? [flags, code, 0, length, ...value] : [flags, code, length, ...value];
    });
    return fc
      .tuple(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }))
      .map(([withdrawn, nlri]) =>
        Uint8Array.from([
          withdrawn.length >>> 8,
          withdrawn.length,
          ...withdrawn,
          block.length >>> 8,
          block.length,
          ...block,
          ...nlri,
        ]),
      );
  });

test("rubbish in an UPDATE leads to a BgpError or to errors with an outcome, never to anything else", () => {
  fc.assert(
    fc.property(plausibleUpdate, anyContext, (body, context: CodecContext) => {
      survives(() => decodeUpdate(body, context));
    }),
    { numRuns: runs * 5 },
  );
});

test("a block of any octets is judged and never throws, and its ranges lie inside it", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      anyContext,
      fc.boolean(),
      (block, context, announces) => {
        const decoded = decodePathAttributes(block, 0, block.length, context, { announces });
        for (const range of [decoded.mpReach, decoded.mpUnreach]) {
          if (range === undefined) continue;
          assert.ok(0 < range.nlriStart && range.nlriStart <= range.nlriEnd);
          assert.ok(range.nlriEnd <= block.length);
        }
        if (decoded.errors.length > 0) assert.notEqual(decoded.outcome, "ok");
      },
    ),
    { numRuns: runs * 5 },
  );
});

test("any octets as a message of any type lead to a value or a BgpError", () => {
  const type = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 200 }), anyContext, (kind, body, context) => {
      survives(() => decodeMessage(message(kind, body), context));
      survives(() => decodeMessage(body, context));
    }),
    { numRuns: runs * 5 },
  );
});

test("a sound OPEN with one octet changed leads to a value or a BgpError", () => {
  fc.assert(
    fc.property(open, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, octet) => {
      const octets = encodeOpen({ ...value, capabilities: value.capabilities.slice(0, 10) });
      octets[19 + (at % (octets.length - 19))] = octet;
      survives(() => decodeMessage(octets, internal));
    }),
    { numRuns: runs * 5 },
  );
});

test("any NOTIFICATION has a description of one line", () => {
  fc.assert(
    fc.property(notification, (value) => {
      assert.match(describeNotification(value), /^[^\p{Cc}]+$/u);
      decodeShutdownCommunication(value.data);
    }),
    { numRuns: runs },
  );
});
