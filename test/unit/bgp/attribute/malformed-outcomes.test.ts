/** RFC 7606 §7 and its successors, attribute by attribute: docs/ATTRIBUTES.md says what becomes of each, and the decoder does it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { decodePathAttributes } from "../../../../src/bgp/attribute/decode-attributes.ts";
import { attributeRows } from "../../../../src/bgp/attribute/index.ts";
import { judgedAttributes } from "../../../../src/bgp/attribute/judged-attributes.ts";
import { codecContext } from "../../../vectors/context.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const flagsOf = {
  "well-known mandatory": 0x40,
  "well-known": 0x40,
  "optional transitive": 0xc0,
  "optional non-transitive": 0x80,
} as const;

/** A sound value of each, and malformed ones. */
const samples: Readonly<Record<number, readonly [sound: string, ...malformed: string[]]>> = {
  1: ["00", "", "0000", "03"],
  2: [
    "0201 0000fde9",
    "0200",
    "0001 0000fde9",
    "0202 0000fde9",
    "0201 0000fde9 02",
    "0201 00000000",
  ],
  3: ["c0000201", "", "c00002", "c000020100", "00000000"],
  4: ["00000005", "", "000005", "0000000005"],
  5: ["00000064", "", "000064", "0000000064"],
  6: ["", "00"],
  7: ["0000fde9 0a000001", "", "fde9 0a000001", "00000000 0a000001"],
  8: ["fde90064", "", "fde900"],
  9: ["0a000001", "", "0a0000", "0a00000100"],
  10: ["0a000001", "", "0a000001 0a"],
  14: [
    "0001 01 04 c0000201 00 18 0ae902",
    "",
    "0001 01 00",
    "0001 01 03 c00002 00",
    "0001 01 05 c0000201 00",
  ],
  15: ["0001 01", "", "0001"],
  16: ["0002fde900000064", "", "0002fde9000000"],
  17: ["0201 fa56ea00", "", "0201 fa56", "0200", "0201 00000000"],
  18: ["fa56ea00 0a000001", "", "fde9 0a000001", "00000000 0a000001"],
  22: ["00 06 000000 c0000201", "", "00 06 0000"],
  23: [
    "0008 0002 0000 0001 0004 800001 5a",
    "0008",
    "0008 0003 0000",
    "0008 0002 0001",
    "0008 0001 00",
    "0008 0003 800001",
    "0008 0002 0000 0001 0002 8000",
  ],
  24: ["00".repeat(36), "", "00".repeat(35)],
  25: ["00".repeat(20), "", "00".repeat(21)],
  26: ["01 000b 0000000000000005", "", "01 000c 0000000000000005", "01 0002", "01 000b"],
  27: ["c0000201 000010", "", "c0000201"],
  29: ["0400 0001 00", "", "0400 0002 00"],
  32: ["00000001 00000002 00000003", "", "00000001 00000002"],
  35: ["0000fde9", "", "fde9", "0000fde900"],
  38: ["01 00000001", "", "01 000000"],
  40: ["01 0007 00 0000 00000001", "", "01 0008 00 0000 00000001"],
  128: ["0000fde9 400101 00", "", "0000fd", "0000fde9 400102 00"],
};

const mandatory: Readonly<Record<number, string>> = {
  1: "400101 00",
  2: "400206 0201 0000fde9",
  3: "400304 c0000201",
};

type Outcome = ReturnType<typeof decodePathAttributes>["outcome"];

/** What becomes of an UPDATE with this attribute, everything else being sound. */
function outcomeOf(code: number, flags: number, value: string, external: boolean): Outcome {
  const octets = hex(value);
  const others = Object.entries(mandatory).flatMap(([own, text]) => {
    return Number(own) === code ? [] : [...hex(text)];
  });
  // AS4_PATH and AS4_AGGREGATOR count from a speaker of 2-octet AS numbers alone.
  const isOld = code === 17 || code === 18;
  const block = Uint8Array.from([flags, code, octets.length, ...octets, ...(isOld ? old : others)]);
  const context = codecContext({ external, fourOctetAs: !isOld });
  return decodePathAttributes(block, 0, block.length, context, { announces: true }).outcome;
}

const old = hex("400101 00 400204 0201 5ba0 400304 c0000201 c00706 5ba0 0a000001");

const rows = [...attributeRows, ...judgedAttributes].toSorted((a, b) => a.code - b.code);

describe("a malformed attribute", () => {
  for (const row of rows) {
    const { category, code, malformed, misflagged, title } = row;
    const isInternalOnly = "internalOnly" in row && row.internalOnly;
    const fromExternal = isInternalOnly ? "attribute-discard" : malformed;
    const [sound, ...wrong] = samples[code] ?? [];
    assert.ok(sound !== undefined && wrong.length > 0, `no samples of ${title}`);

    test(`${title}: ${malformed}, from an external peer ${fromExternal}`, () => {
      const flags = flagsOf[category];
      assert.equal(outcomeOf(code, flags, sound, false), "ok");
      assert.equal(outcomeOf(code, flags, sound, true), isInternalOnly ? fromExternal : "ok");
      for (const value of wrong) {
        assert.equal(outcomeOf(code, flags, value, false), malformed, value);
        assert.equal(outcomeOf(code, flags, value, true), fromExternal, value);
      }
    });

    test(`${title} with the flags of another category`, () => {
      const usual = malformed === "session-reset" ? malformed : "treat-as-withdraw";
      const expected = misflagged ?? usual;
      for (const bit of [0x40, 0x80]) {
        const flags = flagsOf[category] ^ bit;
        assert.equal(outcomeOf(code, flags, sound, false), expected);
        assert.equal(outcomeOf(code, flags, sound, true), isInternalOnly ? fromExternal : expected);
      }
    });
  }
});

test("AIGP and TUNNEL_ENCAPSULATION with the flags of another category are discarded, as their own RFCs ask", () => {
  const misflagged = rows.filter((row) => row.misflagged !== undefined);
  assert.deepEqual(
    misflagged.map((row) => [row.title, row.misflagged]),
    [
      ["TUNNEL_ENCAPSULATION", "attribute-discard"],
      ["AIGP", "attribute-discard"],
    ],
  );
});

test("TUNNEL_ENCAPSULATION without a tunnel is discarded", () => {
  for (const external of [false, true]) {
    assert.equal(outcomeOf(23, 0xc0, "", external), "attribute-discard");
  }
});

describe("an attribute that nothing here uses", () => {
  for (const { category, code, title } of judgedAttributes) {
    test(`${title} passes as it came if it is transitive, and goes no further if not`, () => {
      const [sound] = samples[code] as readonly [string];
      const value = hex(sound);
      const flags = flagsOf[category];
      const block = Uint8Array.from([flags, code, value.length, ...value]);
      const { attributes } = decodePathAttributes(block, 0, block.length, codecContext());
      const passed = attributes.unknown?.map((one) => [one.code, one.flags, toHex(one.value)]);
      const expected =
        category === "optional transitive" ? [[code, flags, toHex(value)]] : undefined;
      assert.deepEqual(passed, expected);
    });
  }
});

test("docs/ATTRIBUTES.md says of every attribute what becomes of it", () => {
  const text = readFileSync(new URL("../../../../docs/ATTRIBUTES.md", import.meta.url), "utf8");
  const documented = text
    .split("\n")
    .filter((line) => /^\| \d/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([code, title, category, internal, external]) => [
      code,
      title,
      category,
      internal,
      external,
    ]);
  const expected = rows.map((row) => {
    const { category, code, malformed, title } = row;
    const isInternalOnly = "internalOnly" in row && row.internalOnly;
    const external = isInternalOnly ? "attribute-discard, malformed or not" : malformed;
    return [`${code}`, title, category, malformed, external];
  });
  assert.deepEqual(documented, expected);
});
