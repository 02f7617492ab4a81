import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../src/api/api-error.ts";
import { parsePrefixFilter, selectByPrefix } from "../../../src/api/prefix-filter.ts";
import { StatusCode } from "../../../src/gen/margay/v1/frame_pb.ts";
import { PrefixMatch } from "../../../src/gen/margay/v1/management_pb.ts";
import { type Prefix, parsePrefix } from "../../../src/net/prefix.ts";

const table = [
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.233.2.0/24",
  "10.233.2.7/32",
  "10.233.3.0/24",
  "::/0",
  "2001:db8::/32",
];
const select = (text: string, match: PrefixMatch = PrefixMatch.UNSPECIFIED): string[] => [
  ...selectByPrefix(parsePrefixFilter(text, match), table, (item) => parsePrefix(item) as Prefix),
];

test("what each way of asking selects", () => {
  assert.deepEqual(select(""), table);
  assert.deepEqual(select("10.233.2.0/24"), ["10.233.2.0/24"]);
  assert.deepEqual(select("10.233.0.0/16"), []);
  assert.deepEqual(select("10.233.2.8"), ["10.233.2.0/24"]);
  assert.deepEqual(select("10.233.2.7"), ["10.233.2.7/32"]);
  assert.deepEqual(select("192.0.2.1"), ["0.0.0.0/0"]);
  assert.deepEqual(select("2001:db8::1"), ["2001:db8::/32"]);
  assert.deepEqual(select("2001:DB8:0::/32"), ["2001:db8::/32"]);
  assert.deepEqual(select("10.233.2.7", PrefixMatch.EXACT), ["10.233.2.7/32"]);
  assert.deepEqual(select("10.233.2.8", PrefixMatch.EXACT), []);
  assert.deepEqual(select("10.233.0.0/16", PrefixMatch.LONGER), table.slice(2, 5));
  assert.deepEqual(select("10.233.2.0/25", PrefixMatch.LONGEST), ["10.233.2.0/24"]);
});

const mistakes = [
  ["10.233.2.7/24", /host bits.*did you mean 10\.233\.2\.0\/24\?/],
  ["10.233.2.0/33", /neither a prefix .* nor an address/],
  ["node-b", /"node-b" is neither/],
  ["10.233.2", /"10\.233\.2" is neither/],
] as const;
for (const [text, expected] of mistakes) {
  test(`says what is wrong with ${text}`, () => {
    assert.throws(
      () => select(text),
      (error) =>
        error instanceof ApiError &&
        error.code === StatusCode.INVALID_ARGUMENT &&
        expected.test(error.message),
    );
  });
}
