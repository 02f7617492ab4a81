import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { UpdateMessageError } from "../../src/bgp/errors.ts";
import { type Family, ipv4Unicast, ipv6Unicast } from "../../src/bgp/family/index.ts";
import { headerOctets } from "../../src/bgp/iana.ts";
import type { UpdateMessage } from "../../src/bgp/message/message.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/message/update.ts";
import { FamilyRib } from "../../src/bgp/rib/family-rib.ts";
import { PathAttributeStore } from "../../src/bgp/rib/path-attributes.ts";
import { UpdateReceiver } from "../../src/bgp/update-receiver.ts";
import { Writer } from "../../src/wire/writer.ts";
import { codec } from "../support/peer-view.ts";
import { nobody, ribPeer, takeAll, standstill } from "../support/rib-harness.ts";

const families: readonly Family[] = [ipv4Unicast, ipv6Unicast];

/** Receives UPDATEs, alone or after many others. */
class Receiving {
  readonly store = new PathAttributeStore(nobody);
  readonly ribs = new Map(
    families.map((family) => [
      family.key,
      new FamilyRib(family, this.store, (index) => ribPeer(index), standstill),
    ]),
  );
  readonly receiver = new UpdateReceiver(this.store, this.ribs);

  /** What became of an UPDATE: how it was judged. */
  take(body: Uint8Array, peer: number, external: boolean): string {
    const source = {
      peer,
      context: codec({ external }),
      families: new Set(families.map(({ key }) => key)),
      importPolicy: takeAll,
    };
    try {
      const report = this.receiver.receive(body, 0, body.length, source, 0);
      return `${report.outcome}, ${report.errors.length} errors, ${report.endOfRib}`;
    } catch (error) {
      if (!(error instanceof UpdateMessageError)) throw error;
      return `reset ${error.subcode} ${error.message}`;
    }
  }

  paths(peer: number): [string, PathAttributes][] {
    const found: [string, PathAttributes][] = [];
    for (const { prefixes, paths } of this.ribs.values()) {
      for (const row of paths.rowsOf(peer)) {
        found.push([
          prefixes.text(paths.prefix(row)),
          this.store.attributes(paths.attributes(row)),
        ]);
      }
    }
    return found.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

const attributes: fc.Arbitrary<PathAttributes> = fc
  .record(
    {
      origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
      asPath: fc.constantFrom([], [{ type: 2 as const, asns: [65001, 70000] }]),
      localPref: fc.constantFrom(100, 200),
      multiExitDisc: fc.nat(3),
      communities: fc.constantFrom([1], [0xffffff02]),
      clusterList: fc.constantFrom([7], [7, 8]),
    },
    { requiredKeys: ["origin", "asPath", "localPref"] },
  )
  .map((values) => ({ ...values, nextHop: "192.0.2.1" }));

const prefix4 = fc.nat(5).map((index) => ({ prefix: `10.0.${index}.0/24` }));
const prefix6 = fc.nat(5).map((index) => ({ prefix: `2001:db8:0:${index}::/64` }));

/** One message, built so that the same octets come again and again. */
const sound: fc.Arbitrary<Uint8Array> = fc
  .record({
    attributes,
    announced: fc.uniqueArray(prefix4, { selector: ({ prefix }) => prefix, maxLength: 3 }),
    withdrawn: fc.uniqueArray(prefix4, { selector: ({ prefix }) => prefix, maxLength: 2 }),
    reached: fc.uniqueArray(prefix6, { selector: ({ prefix }) => prefix, maxLength: 3 }),
    unreached: fc.uniqueArray(prefix6, { selector: ({ prefix }) => prefix, maxLength: 2 }),
  })
  .map(({ attributes: own, announced, withdrawn, reached, unreached }) =>
    mixed(own, announced, withdrawn, reached, unreached),
  );

type Prefixes = readonly { prefix: string }[];

/** All in one message, as RFC 7606 asks nobody to send it, but everybody to read it. */
function mixed(
  own: PathAttributes,
  announced: Prefixes,
  withdrawn: Prefixes,
  reached: Prefixes,
  unreached: Prefixes,
): Uint8Array {
  const part = (update: Partial<UpdateMessage>): Uint8Array => {
    const whole = { withdrawn: [], announced: [], attributes: {}, errors: [], ...update };
    return (encodeUpdate(whole, codec())[0] as Uint8Array).subarray(headerOctets);
  };
  const withdrawnField = part({ withdrawn }).subarray(0, -2);
  const classic = part({ announced, attributes: own });
  const attributesLength = classic.length - 4 - nlriOctets(announced);
  const { nextHop, ...common } = own;
  const mpReach = { afi: 2, safi: 1, nlri: reached };
  const via6 = { ...common, nextHop: "2001:db8::1" };
  const mp = [
    ...(reached.length > 0 ? [firstAttribute(part({ mpReach, attributes: via6 }))] : []),
    ...(unreached.length > 0
      ? [firstAttribute(part({ mpUnreach: { afi: 2, safi: 1, nlri: unreached } }))]
      : []),
  ];
  const isBare = announced.length === 0 && reached.length === 0;
  const writer = new Writer();
  writer.bytes(withdrawn.length > 0 ? withdrawnField : Uint8Array.of(0, 0));
  writer.lengthUint16(() => {
    for (const octets of mp) writer.bytes(octets);
    if (!isBare) writer.bytes(classic.subarray(4, 4 + attributesLength));
  });
  return writer.bytes(classic.subarray(4 + attributesLength)).finish();
}

function nlriOctets(nlri: Prefixes): number {
  return nlri.length * 4;
}

/** The MP attribute, which stands first. */
function firstAttribute(body: Uint8Array): Uint8Array {
  const length = ((body[6] as number) << 8) | (body[7] as number);
  return body.subarray(4, 8 + length);
}

const changes = fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { maxLength: 3 });

/** A sound message, or one with some octets changed. */
const message = fc.tuple(sound, changes).map(([body, list]) => {
  const changed = body.slice();
  for (const { at, value } of list) changed[at % changed.length] = value;
  return changed;
});

describe("the receiver of UPDATEs", () => {
  test("judges and takes a message the same, whatever came before from others", () => {
    const property = fc.property(
      fc.array(fc.tuple(message, fc.boolean()), { maxLength: 12 }),
      message,
      fc.boolean(),
      (before, last, external) => {
        const experienced = new Receiving();
        for (const [body, isExternal] of before) experienced.take(body, 2, isExternal);
        const fresh = new Receiving();
        assert.equal(experienced.take(last, 1, external), fresh.take(last, 1, external));
        assert.deepEqual(experienced.paths(1), fresh.paths(1));
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  test("takes what the codec for tools decodes", () => {
    const property = fc.property(fc.array(sound, { maxLength: 12 }), (bodies) => {
      const receiving = new Receiving();
      const model = new Map<string, PathAttributes>();
      for (const body of bodies) {
        receiving.take(body, 1, false);
        const update = decodeUpdate(body, codec());
        assert.deepEqual(update.errors, []);
        const { mpReach, mpUnreach } = update;
        const { nextHop, ...common } = update.attributes;
        const reached = mpReach !== undefined && "nlri" in mpReach ? mpReach.nlri : [];
        const unreached = mpUnreach !== undefined && "nlri" in mpUnreach ? mpUnreach.nlri : [];
        for (const { prefix } of [...update.withdrawn, ...unreached]) model.delete(prefix);
        for (const { prefix } of update.announced) model.set(prefix, update.attributes);
        for (const { prefix } of reached) {
          model.set(prefix, { ...common, nextHop: "2001:db8::1" });
        }
      }
      const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(receiving.paths(1), expected);
    });
    fc.assert(property, { numRuns: 150 });
  });

  test("leaves nothing behind once everything is withdrawn", () => {
    const property = fc.property(fc.array(message, { maxLength: 12 }), (bodies) => {
      const receiving = new Receiving();
      for (const body of bodies) receiving.take(body, 1, false);
      for (const rib of receiving.ribs.values()) {
        rib.removePeer(1, false);
        rib.turn(() => {});
        rib.tidy();
        assert.equal(rib.prefixes.size, 0);
      }
      assert.equal(receiving.store.size, 0);
    });
    fc.assert(property, { numRuns: 150 });
  });
});
