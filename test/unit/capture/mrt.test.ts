import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hex, message, toHex } from "../../vectors/hex.ts";
import { capture, describedOf } from "./support.ts";

/** A record of the year 2027 whose body is annotated hex and octets. */
function record(type: number, subtype: number, ...parts: (string | Uint8Array)[]): Uint8Array {
  const body = parts.flatMap((part) => [...(typeof part === "string" ? hex(part) : part)]);
  const head = new DataView(new ArrayBuffer(12));
  head.setUint32(0, 1_800_000_000);
  head.setUint16(4, type);
  head.setUint16(6, subtype);
  head.setUint32(8, body.length);
  return Uint8Array.from([...new Uint8Array(head.buffer), ...body]);
}

function file(...records: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(records.flatMap((one) => [...one]));
}

const bgp4mp = 16;
const bgp4mpEt = 17;
const tableDumpV2 = 13;
const twoOctetEnds = "fde9 fde8 0000 0001 c0000201 c0000202";
const fourOctetEnds = "fa56ea00 0000fde8 0000 0001 c0000201 c0000202";
const keepalive = message(4, "");
/** 10.233.2.0/24, with path identifier 7. */
const withId = message(2, "0000 0000 00000007 180ae902");
/** 2001:db8::/32 without. */
const ipv6 = message(
  2,
  "0000 0000".replace("0000 0000", "0000 001d") +
    "800e1a 000201 10 20010db8000000000000000000000001 00 20 20010db8",
);

test("BGP4MP says who sent a message, and how it is read", () => {
  const found = capture(
    file(
      record(bgp4mp, 0, twoOctetEnds, "0003 0006"), // a state change
      record(bgp4mp, 1, twoOctetEnds, keepalive),
      record(bgp4mp, 4, fourOctetEnds, keepalive),
      record(bgp4mp, 6, twoOctetEnds, keepalive),
      record(bgp4mp, 7, fourOctetEnds, keepalive),
      record(bgp4mpEt, 4, "0007a120", fourOctetEnds, keepalive),
      record(
        bgp4mp,
        1,
        "fde9 fde9 0000 0002 20010db8000000000000000000000001 20010db8000000000000000000000002",
        keepalive,
      ),
    ),
  );
  const rows = found.map((one) =>
    "octets" in one
      ? [
          one.place,
          one.from,
          one.to,
          one.time?.nanoseconds,
          one.context.fourOctetAs,
          one.context.external,
        ]
      : one,
  );
  const [a, b] = ["192.0.2.1", "192.0.2.2"];
  assert.deepEqual(rows, [
    ["offset 32", a, b, 0, false, true],
    ["offset 79", a, b, 0, true, true],
    ["offset 130", b, a, 0, false, true],
    ["offset 177", b, a, 0, true, true],
    ["offset 228", a, b, 500_000_000, true, true],
    ["offset 283", "2001:db8::1", "2001:db8::2", 0, false, false],
  ]);
});

test("BGP4MP with ADD-PATH: a family without path identifiers is told by its octets", () => {
  const found = capture(
    file(record(bgp4mp, 9, fourOctetEnds, withId), record(bgp4mp, 9, fourOctetEnds, ipv6)),
  );
  const announced = describedOf(found).map((one) => (one as { announced: unknown }).announced);
  assert.deepEqual(announced, [["10.233.2.0/24#7"], ["2001:db8::/32"]]);
});

const attributes = "40010100 40020602010000fde9";
const peers = record(
  tableDumpV2,
  1,
  "0a000001 0004 76696577 0002",
  "02 c0000201 c0000201 fa56ea00",
  "01 c0000202 20010db8000000000000000000000001 fde9",
);

test("TABLE_DUMP_V2 gives a line for each path", () => {
  const found = capture(
    file(
      peers,
      // Two paths to 10.233.2.0/24.
      record(
        tableDumpV2,
        2,
        "00000001 18 0ae902 0002",
        `0000 6b49d1ff 0014 ${attributes} 400304c0000201`,
        `0001 00000000 0014 ${attributes} 400304c0000202`,
      ),
      // IPv6: MP_REACH_NLRI is a next hop alone, or whole.
      record(
        tableDumpV2,
        4,
        "00000002 20 20010db8 0001",
        `0001 6b49d1ff 0021 ${attributes} 800e11 10 20010db8000000000000000000000001`,
      ),
      record(
        tableDumpV2,
        4,
        "00000003 20 20010db8 0001",
        `0001 6b49d1ff 0025 ${attributes} 800e15 000201 10 20010db8000000000000000000000001 00`,
      ),
      // With ADD-PATH, and a family without a decoder.
      record(
        tableDumpV2,
        8,
        "00000004 18 0ae902 0001",
        `0000 6b49d1ff 00000007 0014 ${attributes} 400304c0000201`,
      ),
      record(
        tableDumpV2,
        6,
        "00000005 0001 80 58 000001 0000fde900000001 0001",
        `0000 6b49d1ff 0012 ${attributes} 800e05 04 c0000201`.replace("0012", "0015"),
      ),
    ),
  );
  const rows = describedOf(found).map((one, index) => {
    const { announced, asPath, nextHop } = one as Record<string, unknown>;
    const { from, isTableEntry, time } = found[index] as unknown as Record<string, unknown>;
    assert.equal(isTableEntry, true);
    return [from, (time as { seconds: number }).seconds, announced, nextHop, asPath];
  });
  assert.deepEqual(rows, [
    ["192.0.2.1", 0x6b49d1ff, ["10.233.2.0/24"], "192.0.2.1", "65001"],
    ["2001:db8::1", 1_800_000_000, ["10.233.2.0/24"], "192.0.2.2", "65001"],
    ["2001:db8::1", 0x6b49d1ff, ["2001:db8::/32"], "2001:db8::1", "65001"],
    ["2001:db8::1", 0x6b49d1ff, ["2001:db8::/32"], "2001:db8::1", "65001"],
    ["192.0.2.1", 0x6b49d1ff, ["10.233.2.0/24#7"], "192.0.2.1", "65001"],
    [
      "192.0.2.1",
      0x6b49d1ff,
      [{ afi: 1, safi: 128, nlri: "580000010000fde900000001" }],
      "192.0.2.1",
      "65001",
    ],
  ]);
});

describe("a broken file", () => {
  test("whose last record is cut says where", () => {
    const whole = file(
      record(bgp4mp, 1, twoOctetEnds, keepalive),
      record(bgp4mp, 1, twoOctetEnds, keepalive),
    );
    assert.deepEqual(describedOf(capture(whole.subarray(0, 90))), [
      { place: "offset 0", type: "keepalive" },
      { place: "offset 47", problem: "the file ends inside a record: 43 octets are left" },
    ]);
  });

  test("with a record that is too short for its type goes on with the next", () => {
    const found = capture(
      file(
        record(bgp4mp, 1, "fde9"),
        record(tableDumpV2, 2, "00000001 18 0a"),
        record(bgp4mp, 1, twoOctetEnds, keepalive),
      ),
    );
    assert.deepEqual(describedOf(found), [
      { place: "offset 0", problem: "an MRT record of type 16/1 is cut short" },
      { place: "offset 14", problem: "an MRT record of type 13/2 is cut short" },
      { place: "offset 32", type: "keepalive" },
    ]);
  });

  test("that stops being MRT is not read on", () => {
    const found = capture(
      file(record(bgp4mp, 1, twoOctetEnds, keepalive), record(99, 0, "00"), keepalive),
    );
    assert.deepEqual(describedOf(found), [
      { place: "offset 0", type: "keepalive" },
      {
        place: "offset 47",
        problem: "no MRT record: type 99, 1 octets; the rest of the file is not read",
      },
    ]);
  });

  test("whose message is no message hands it on as it is", () => {
    const [found] = capture(record(bgp4mp, 1, twoOctetEnds, "ffff"));
    assert.equal(found && "octets" in found && toHex(found.octets), "ffff");
  });
});
