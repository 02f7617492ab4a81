import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UpdateMessageError } from "../../../../src/bgp/errors.ts";
import { type Family, ipv4Unicast, ipv6Unicast } from "../../../../src/bgp/family/index.ts";
import { encodeEndOfRib } from "../../../../src/bgp/message/end-of-rib.ts";
import { headerOctets } from "../../../../src/bgp/iana.ts";
import { FamilyRib } from "../../../../src/bgp/rib/family-rib.ts";
import { ImportPolicy } from "../../../../src/bgp/rib/import-policy.ts";
import { PathAttributeStore } from "../../../../src/bgp/rib/path-attributes.ts";
import { UpdateReceiver, type UpdateReport } from "../../../../src/bgp/update-receiver.ts";
import { parsePrefix, type Prefix } from "../../../../src/net/prefix.ts";
import { codec } from "../../../support/peer-view.ts";
import { nobody, ribPeer, standstill } from "../../../support/rib-harness.ts";

const origin = "40 01 01 00";
const emptyPath = "40 02 00";
const nextHop1 = "40 03 04 c0 00 02 01";
const localPref = "40 05 04 00 00 00 64";
const usual = `${origin} ${emptyPath} ${nextHop1} ${localPref}`;
const withoutNextHop = `${origin} ${emptyPath} ${localPref}`;
const v6NextHop = "10 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01";

function hex(text: string): number[] {
  return text.split(/\s+/).flatMap((octet) => (octet === "" ? [] : [Number.parseInt(octet, 16)]));
}

function uint16(value: number): number[] {
  return [value >>> 8, value & 255];
}

/** The body of an UPDATE. */
function update(parts: { withdrawn?: string; attributes?: string; nlri?: string }): Uint8Array {
  const withdrawn = hex(parts.withdrawn ?? "");
  const attributes = hex(parts.attributes ?? "");
  const nlri = hex(parts.nlri ?? "");
  return Uint8Array.from([
    ...uint16(withdrawn.length),
    ...withdrawn,
    ...uint16(attributes.length),
    ...attributes,
    ...nlri,
  ]);
}

/** An attribute with its header. */
function attribute(flags: string, code: number, value: string): string {
  const length = hex(value).length;
  return `${flags} ${code.toString(16)} ${length.toString(16)} ${value}`;
}

const ten1 = "18 0a 00 01";
const ten2 = "18 0a 00 02";
const six1 = "40 20 01 0d b8 00 00 00 01";
const reach6 = attribute("80", 14, `00 02 01 ${v6NextHop} 00 ${six1}`);
const unreach6 = attribute("80", 15, `00 02 01 ${six1}`);

class Receiving {
  readonly store = new PathAttributeStore(nobody);
  readonly ribs: ReadonlyMap<number, FamilyRib>;
  readonly receiver: UpdateReceiver;
  families: Family[] = [ipv4Unicast, ipv6Unicast];
  policy = new ImportPolicy("any");
  external = false;

  constructor() {
    this.ribs = new Map(
      [ipv4Unicast, ipv6Unicast].map((family) => [
        family.key,
        new FamilyRib(family, this.store, (index) => ribPeer(index), standstill),
      ]),
    );
    this.receiver = new UpdateReceiver(this.store, this.ribs);
  }

  /** Takes a body out of a stream that goes on behind it. */
  take(body: Uint8Array, peer = 1): UpdateReport {
    const stream = new Uint8Array(body.length + 600).fill(0xff);
    stream.set(body, 19);
    return {
      ...this.receiver.receive(
        stream,
        19,
        19 + body.length,
        {
          peer,
          context: codec({ external: this.external }),
          families: new Set(this.families.map(({ key }) => key)),
          importPolicy: this.policy,
        },
        7,
      ),
    };
  }

  /** `prefix via nextHop`, a `!` behind what the policy refused. */
  paths(peer = 1): string[] {
    const found: string[] = [];
    for (const { prefixes, paths } of this.ribs.values()) {
      for (const row of paths.rowsOf(peer)) {
        const { nextHop } = this.store.attributes(paths.attributes(row));
        const mark = paths.isFiltered(row) ? " !" : "";
        found.push(`${prefixes.text(paths.prefix(row))} via ${nextHop}${mark}`);
      }
    }
    return found.sort();
  }

  dirty(): number {
    return [...this.ribs.values()].reduce((sum, { locRib }) => sum + locRib.dirtyCount, 0);
  }
}

describe("an UPDATE received", () => {
  test("announces and withdraws IPv4 prefixes in its own fields", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: usual, nlri: `${ten1} ${ten2}` }));
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.1", "10.0.2.0/24 via 192.0.2.1"]);
    assert.equal(receiving.store.size, 1);
    receiving.take(update({ withdrawn: ten1 }));
    assert.deepEqual(receiving.paths(), ["10.0.2.0/24 via 192.0.2.1"]);
    receiving.take(update({ withdrawn: ten2 }));
    assert.equal(receiving.store.size, 0);
  });

  test("announces IPv6 prefixes in MP_REACH_NLRI, wherever it stands, and withdraws them in MP_UNREACH_NLRI", () => {
    for (const attributes of [`${reach6} ${withoutNextHop}`, `${withoutNextHop} ${reach6}`]) {
      const receiving = new Receiving();
      receiving.take(update({ attributes }));
      assert.deepEqual(receiving.paths(), ["2001:db8:0:1::/64 via 2001:db8::1"]);
      receiving.take(update({ attributes: unreach6 }));
      assert.deepEqual(receiving.paths(), []);
      assert.equal(receiving.store.size, 0);
    }
  });

  test("may carry both kinds at once, each with its own next hop", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: `${usual} ${reach6}`, nlri: ten1 }));
    const both = ["10.0.1.0/24 via 192.0.2.1", "2001:db8:0:1::/64 via 2001:db8::1"];
    assert.deepEqual(receiving.paths(), both);
    receiving.take(update({ attributes: `${usual} ${reach6}`, nlri: ten1 }), 2);
    assert.deepEqual(receiving.paths(2), both);
    assert.equal(receiving.store.size, 2);
    receiving.take(update({ withdrawn: ten1, attributes: unreach6 }));
    assert.deepEqual(receiving.paths(), []);
  });

  test("may announce IPv4 in MP_REACH_NLRI", () => {
    const reach4 = attribute("80", 14, `00 01 01 04 c0 00 02 07 00 ${ten1}`);
    const receiving = new Receiving();
    receiving.take(update({ attributes: `${withoutNextHop} ${reach4}` }));
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.7"]);
  });

  test("announces a prefix that it also withdraws", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: usual, nlri: ten1 }));
    receiving.take(update({ withdrawn: ten1, attributes: usual, nlri: ten1 }));
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.1"]);
    assert.equal(receiving.store.size, 1);
  });

  test("replaces what the same peer announced before, and no other peer's", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: usual, nlri: ten1 }), 2);
    receiving.take(update({ attributes: usual, nlri: ten1 }));
    const other = usual.replace("c0 00 02 01", "c0 00 02 05");
    receiving.take(update({ attributes: other, nlri: ten1 }));
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.5"]);
    assert.deepEqual(receiving.paths(2), ["10.0.1.0/24 via 192.0.2.1"]);
  });

  test("wakes the Decision Process only for what changed", () => {
    const receiving = new Receiving();
    const decide = (): void => {
      for (const rib of receiving.ribs.values()) rib.turn(() => {});
    };
    receiving.take(update({ attributes: usual, nlri: ten1 }));
    assert.equal(receiving.dirty(), 1);
    decide();
    receiving.take(update({ attributes: usual, nlri: ten1 }));
    assert.equal(receiving.dirty(), 0, "the same again");
    receiving.take(update({ withdrawn: ten2 }));
    receiving.take(update({ withdrawn: ten1 }), 2);
    assert.equal(receiving.dirty(), 0, "withdrawals of what was never announced");
    assert.equal(receiving.ribs.get(ipv4Unicast.key)?.prefixes.size, 1);
  });

  test("ignores host bits", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: usual, nlri: "14 0a 00 1f" }));
    receiving.take(update({ attributes: usual, nlri: "14 0a 00 10" }));
    assert.deepEqual(receiving.paths(), ["10.0.16.0/20 via 192.0.2.1"]);
  });

  test("keeps what the import policy refuses, marked", () => {
    const receiving = new Receiving();
    receiving.policy = new ImportPolicy([parsePrefix("10.0.2.0/23") as Prefix]);
    receiving.take(update({ attributes: usual, nlri: `${ten1} ${ten2}` }));
    const kept = ["10.0.1.0/24 via 192.0.2.1 !", "10.0.2.0/24 via 192.0.2.1"];
    assert.deepEqual(receiving.paths(), kept);
    const counts = receiving.ribs.get(ipv4Unicast.key)?.paths.counts(1);
    assert.deepEqual(counts, { paths: 2, filtered: 1, stale: 0, longLived: 0 });
  });

  test("of a family that was not negotiated is ignored", () => {
    const receiving = new Receiving();
    receiving.families = [ipv4Unicast];
    receiving.take(update({ attributes: `${withoutNextHop} ${reach6}` }));
    const multicast = attribute("80", 14, `00 01 02 04 c0 00 02 01 00 ${ten1}`);
    receiving.take(update({ attributes: `${withoutNextHop} ${multicast}` }));
    receiving.families = [ipv6Unicast];
    const { offendings } = receiving.take(update({ attributes: usual, nlri: ten1 }));
    assert.deepEqual(offendings, [
      { offence: "foreign-family", text: "ipv4-unicast is not in force on this session" },
    ]);
    assert.deepEqual(receiving.paths(), []);
    assert.equal(receiving.store.size, 0);
  });

  test("of a family that nobody here knows is told of, announced or withdrawn", () => {
    const receiving = new Receiving();
    const reach = attribute("80", 14, `00 01 02 04 c0 00 02 01 00 ${ten1}`);
    const unreach = attribute("80", 15, `00 01 02 ${ten1}`);
    for (const attributes of [`${withoutNextHop} ${reach}`, unreach]) {
      for (let time = 0; time < 2; time++) {
        const { offendings } = receiving.take(update({ attributes }));
        assert.deepEqual(offendings, [
          { offence: "foreign-family", text: "1/2 is not in force on this session" },
        ]);
      }
    }
    assert.equal(receiving.store.size, 0);
  });

  test("of a family that is not in force must parse all the same (RFC 7606 §5.3)", () => {
    const broken4 = "21 c0 00 02 01 00";
    const broken6 = "81 20 01 0d b8";
    const reach = attribute("80", 14, `00 02 01 ${v6NextHop} 00 ${broken6}`);
    const unreach = attribute("80", 15, `00 02 01 ${broken6}`);
    const badOrigin = withoutNextHop.replace(origin, "40 01 01 07");
    const cases: [Family, Parameters<typeof update>[0]][] = [
      [ipv6Unicast, { withdrawn: broken4 }],
      [ipv6Unicast, { attributes: usual, nlri: broken4 }],
      [ipv4Unicast, { attributes: `${withoutNextHop} ${reach}` }],
      [ipv4Unicast, { attributes: `${badOrigin} ${reach}` }],
      [ipv4Unicast, { attributes: unreach }],
    ];
    for (const [inForce, broken] of cases) {
      const receiving = new Receiving();
      receiving.families = [inForce];
      assert.throws(() => receiving.take(update(broken)), { code: 3, subcode: 10 });
    }
  });

  test("is not taken where a later one in the same field does not parse", () => {
    const broken = "21 c0 00 02 01 00";
    const reach = attribute("80", 14, `00 02 01 ${v6NextHop} 00 ${six1} 81 20 01 0d b8`);
    for (const parts of [
      { attributes: usual, nlri: `${ten1} ${broken}` },
      { attributes: `${withoutNextHop} ${reach}` },
    ]) {
      const receiving = new Receiving();
      assert.throws(() => receiving.take(update(parts)), { code: 3, subcode: 10 });
      assert.deepEqual(receiving.paths(), []);
    }
  });

  test("of a family that nobody here knows cannot be parsed, and takes nothing else along", () => {
    const receiving = new Receiving();
    const reach = attribute("80", 14, "00 01 80 04 c0 00 02 01 00 ff ff ff");
    receiving.take(update({ attributes: `${usual} ${reach}`, nlri: ten1 }));
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.1"]);
  });

  test("is End-of-RIB of a family when it is empty", () => {
    const receiving = new Receiving();
    for (const { afi, safi, key } of [ipv4Unicast, ipv6Unicast]) {
      const report = receiving.take(encodeEndOfRib(afi, safi).subarray(headerOctets));
      assert.equal(report.endOfRib, key);
    }
    assert.equal(receiving.take(update({ withdrawn: ten1 })).endOfRib, -1);
    assert.equal(receiving.take(update({ attributes: unreach6 })).endOfRib, -1);
    assert.equal(receiving.take(update({ attributes: usual })).endOfRib, -1);
  });

  test("is no End-of-RIB of a family that is not in force, and is told of (RFC 4760 §7)", () => {
    const receiving = new Receiving();
    receiving.families = [ipv6Unicast];
    for (const [afi, safi] of [
      [1, 1],
      [1, 2],
      [25, 65],
      [0xffff, 0xff],
    ] as const) {
      const report = receiving.take(encodeEndOfRib(afi, safi).subarray(headerOctets));
      assert.equal(report.endOfRib, -1);
      assert.deepEqual(
        report.offendings.map(({ offence }) => offence),
        ["foreign-family"],
      );
    }
  });
});

describe("a malformed UPDATE", () => {
  const badOrigin = usual.replace(origin, "40 01 01 07");

  test("withdraws its prefixes where RFC 7606 says treat-as-withdraw", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: `${usual} ${reach6}`, nlri: `${ten1} ${ten2}` }));
    receiving.take(update({ attributes: usual, nlri: ten1 }), 2);
    const report = receiving.take(update({ attributes: `${badOrigin} ${reach6}`, nlri: ten1 }));
    assert.equal(report.outcome, "treat-as-withdraw");
    assert.deepEqual(receiving.paths(), ["10.0.2.0/24 via 192.0.2.1"]);
    assert.deepEqual(receiving.paths(2), ["10.0.1.0/24 via 192.0.2.1"], "nobody else's");
  });

  test("still withdraws its prefixes where the attribute list overruns", () => {
    const receiving = new Receiving();
    receiving.take(update({ attributes: usual, nlri: ten1 }));
    const report = receiving.take(update({ attributes: `${usual} c0 08 ff 00`, nlri: ten1 }));
    assert.equal(report.outcome, "treat-as-withdraw");
    assert.deepEqual(receiving.paths(), []);
  });

  test("is taken without the attribute that is discarded, each time with a report", () => {
    const receiving = new Receiving();
    const badAggregator = `${usual} c0 07 03 00 00 00`;
    for (const peer of [1, 1, 2]) {
      const report = receiving.take(update({ attributes: badAggregator, nlri: ten1 }), peer);
      assert.equal(report.outcome, "attribute-discard");
      assert.equal(report.errors.length, 1);
    }
    assert.deepEqual(receiving.paths(), ["10.0.1.0/24 via 192.0.2.1"]);
    assert.equal(receiving.store.size, 1);
  });

  test("resets the session with the data that RFC 4271 section 6.3 asks for", () => {
    const cases = [
      {
        attributes: `${usual} 40 63 00`,
        subcode: 2,
        data: "40 63 00",
        why: "unrecognized well-known",
      },
      {
        attributes: `${usual} ${reach6} ${reach6}`,
        subcode: 1,
        data: "",
        why: "MP_REACH_NLRI twice",
      },
      {
        attributes: badOrigin,
        nlri: "",
        subcode: 6,
        data: badOrigin.slice(0, 11),
        why: "nothing to withdraw",
      },
    ];
    for (const { attributes, nlri = ten1, subcode, data, why } of cases) {
      const receiving = new Receiving();
      assert.throws(
        () => receiving.take(update({ attributes, nlri })),
        (error) => {
          assert.ok(error instanceof UpdateMessageError, why);
          assert.deepEqual([error.subcode, [...error.data]], [subcode, hex(data)], why);
          return true;
        },
      );
    }
  });

  test("with broken prefixes resets the session and leaves no attributes behind", () => {
    const receiving = new Receiving();
    const invalidNetworkField = { subcode: 10 };
    assert.throws(
      () => receiving.take(update({ attributes: usual, nlri: "21 0a 00 00 00" })),
      invalidNetworkField,
    );
    assert.equal(receiving.store.size, 0);
    const reach = attribute("80", 14, `00 02 01 ${v6NextHop} 00 81 00`);
    assert.throws(
      () => receiving.take(update({ attributes: `${withoutNextHop} ${reach}` })),
      invalidNetworkField,
    );
    assert.equal(receiving.store.size, 0);
  });

  test("is judged by its own octets, not by what has been seen before", () => {
    // Each would be found among the blocks of sound UPDATEs by the octets that follow it.
    const wrongFlags = `${withoutNextHop} c0${reach6.slice(2)}`;
    const cutReach = `${withoutNextHop} ${attribute("80", 14, `00 02 01 ${v6NextHop}`)}`;
    const shortUnreach = `${usual} 80 0f 02 00 02`;
    const cases = [
      { attributes: wrongFlags },
      { attributes: cutReach, nlri: "00" },
      { attributes: shortUnreach, nlri: ten1 },
    ];
    for (const { attributes, nlri = "" } of cases) {
      const receiving = new Receiving();
      receiving.take(update({ attributes: `${withoutNextHop} ${reach6}` }), 2);
      receiving.take(update({ attributes: usual, nlri: ten1 }), 2);
      const body = update({ attributes, nlri });
      assert.throws(() => receiving.take(body), UpdateMessageError, attributes);
      assert.deepEqual(receiving.paths(), []);
    }
  });

  test("with a next hop that overruns a full message is an error like others", () => {
    const filler = `f0 63 0f 90 ${"00 ".repeat(0x0f90)}`;
    const reach = "80 0e 05 00 02 01 ff 00";
    const body = update({ attributes: `${withoutNextHop} ${filler} ${reach}` });
    assert.ok(body.length + headerOctets <= 4096);
    assert.throws(() => new Receiving().take(body), UpdateMessageError);
  });

  test("never lets a block go while the same message still announces with it", () => {
    const receiving = new Receiving();
    const reach4 = (nlri: string): string =>
      `${usual} ${attribute("80", 14, `00 01 01 04 c0 00 02 07 00 ${nlri}`)}`;
    receiving.take(update({ attributes: reach4(ten1) }));
    // The only path with this block is replaced by the first half of the message; the second announces with it.
    receiving.take(update({ attributes: reach4(ten2), nlri: ten1 }));
    const third = usual.replace(localPref, "40 05 04 00 00 00 c8");
    receiving.take(update({ attributes: third, nlri: "18 0a 00 03" }), 2);
    const expected = ["10.0.1.0/24 via 192.0.2.1", "10.0.2.0/24 via 192.0.2.7"];
    assert.deepEqual(receiving.paths(), expected);
    assert.equal(receiving.store.size, 3);
  });
});
