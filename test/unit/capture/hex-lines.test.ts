import assert from "node:assert/strict";
import { test } from "node:test";
import { message, toHex } from "../../vectors/hex.ts";
import { capture, describedOf, messagesOf } from "./support.ts";

const keepalive = toHex(message(4, ""));

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

test("a message a line, in every way that people write octets", () => {
  const pairs = keepalive.match(/../g) ?? [];
  const spellings = [
    keepalive,
    keepalive.toUpperCase(),
    `  ${pairs.join(" ")}\t`,
    pairs.join(":"),
    pairs.map((pair) => `0x${pair}`).join(", "),
    `0x${keepalive}`,
    `${keepalive}  # what for 0xzz`,
    `${keepalive}\r`,
  ];
  const found = capture(ascii(spellings.join("\n\n# a comment\n")));
  assert.deepEqual(
    messagesOf(found),
    spellings.map(() => keepalive),
  );
  assert.deepEqual(
    found.map(({ place }) => place),
    spellings.map((_, index) => `line ${1 + 3 * index}`),
  );
});

test("what is no hex is named by line and column, and the next line is read", () => {
  const found = capture(ascii(`${keepalive}\nffgg\nfff\n${"00".repeat(70_000)}\n${keepalive}`));
  assert.deepEqual(describedOf(found), [
    { place: "line 1", type: "keepalive" },
    { place: "line 2", problem: "column 3 is no hexadecimal digit" },
    { place: "line 3", problem: "an odd number of hexadecimal digits" },
    { place: "line 4", problem: "more than 65535 octets are no BGP message", subcode: 2 },
    { place: "line 5", type: "keepalive" },
  ]);
});

test("the session is assumed as the options say", () => {
  // AS_PATH 65001 in two octets; with ADD-PATH the prefix has an identifier.
  const plain = message(2, "0000 0012 40010100 400204 0201fde9 400304c0000201 18 0ae902");
  const [twoOctets] = describedOf(capture(ascii(toHex(plain)), { fourOctetAs: false }));
  assert.deepEqual((twoOctets as { asPath: string }).asPath, "65001");
  const withId = message(2, "0000 0000 00000007 18 0ae902");
  const [added] = describedOf(capture(ascii(toHex(withId)), { addPath: true }));
  assert.deepEqual((added as { announced: unknown }).announced, ["10.233.2.0/24#7"]);
});
