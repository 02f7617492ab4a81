import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMessage } from "../../../src/bgp/describe/describe-message.ts";
import { MessageType } from "../../../src/bgp/iana.ts";
import { codec } from "../../support/peer-view.ts";
import { hex, message } from "../../vectors/hex.ts";

const global = "20010db8000000000000000000000001";
const linkLocal = "fe800000000000000000000000000001";

/** The next hop of a route of 1/2, which nobody here decodes, told by these octets. */
function nextHopOf(hop: string, own = ""): unknown {
  const value = `0001 02 ${octet(hop)} ${hop} 00 18 0ae902`;
  const block = `800e ${octet(value)} ${value} 40010100 400200 40050400000064 ${own}`;
  const { length } = hex(block);
  const update = `0000 ${length.toString(16).padStart(4, "0")} ${block} ${own && "18 0ae903"}`;
  const described = describeMessage(message(MessageType.update, update), codec());
  assert.ok(described.type === "update");
  assert.deepEqual(described.errors ?? [], []);
  return described.nextHop;
}

function octet(text: string): string {
  return hex(text).length.toString(16).padStart(2, "0");
}

test("a next hop of a family without a decoder is told where it is an address, or two", () => {
  assert.equal(nextHopOf("c0000201"), "192.0.2.1");
  assert.equal(nextHopOf(global), "2001:db8::1");
  assert.equal(nextHopOf(global + linkLocal), "2001:db8::1");
  assert.equal(nextHopOf("00".repeat(16) + linkLocal), "fe80::1");
  assert.equal(nextHopOf("0000000000000000c0000201"), undefined);
  assert.equal(nextHopOf(""), undefined);
});

test("that of the UPDATE's own prefixes comes first", () => {
  assert.equal(nextHopOf("c0000201", "400304c0000209"), "192.0.2.9");
});
