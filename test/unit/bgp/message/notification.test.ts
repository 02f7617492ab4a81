import assert from "node:assert/strict";
import { test } from "node:test";
import { describeNotification } from "../../../../src/bgp/message/describe-notification.ts";
import {
  decodeNotification,
  encodeNotification,
} from "../../../../src/bgp/message/notification.ts";
import {
  decodeShutdownCommunication,
  encodeShutdownCommunication,
} from "../../../../src/bgp/message/shutdown-communication.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

function describe(code: number, subcode: number, data: string | Uint8Array = ""): string {
  return describeNotification({
    code,
    subcode,
    data: typeof data === "string" ? hex(data) : data,
  });
}

test("data that fits no message of 4096 octets is cut", () => {
  const data = new Uint8Array(4096).fill(7);
  const octets = encodeNotification({ code: 1, subcode: 2, data });
  assert.equal(octets.length, 4096);
  assert.equal(decodeNotification(octets.subarray(19)).data.length, 4075);
});

test("a decoded NOTIFICATION keeps no view on the octets", () => {
  const body = hex("06 02 abcd");
  const { data } = decodeNotification(body);
  body.fill(0);
  assert.equal(toHex(data), "abcd");
});

test("RFC 9003: text goes out as UTF-8 with its length", () => {
  assert.equal(toHex(encodeShutdownCommunication("é!")), "03c3a921");
  assert.equal(toHex(encodeShutdownCommunication("")), "00");
});

test("RFC 9003: text above 255 octets is cut between characters", () => {
  const data = encodeShutdownCommunication("é".repeat(200));
  assert.equal(data[0], 254);
  assert.equal(decodeShutdownCommunication(data), "é".repeat(127));
});

test("RFC 9003 §3: a text whose length does not fit is no text", () => {
  assert.equal(decodeShutdownCommunication(hex("")), undefined);
  assert.equal(decodeShutdownCommunication(hex("00")), undefined);
  assert.equal(decodeShutdownCommunication(hex("05 616263")), undefined);
  assert.equal(decodeShutdownCommunication(hex("02 616263")), "ab");
});

test("RFC 9003 §5: what could forge a log line or hide text is replaced", () => {
  for (const evil of [
    "\n",
    "\r",
    "\u001b",
    "\u0000",
    "\u007f",
    "\u0085",
    "\u202e",
    "\u2028",
    "\u200b",
  ]) {
    const data = encodeShutdownCommunication(`a${evil}b`);
    assert.equal(decodeShutdownCommunication(data), "a\ufffdb");
  }
  assert.equal(decodeShutdownCommunication(hex("03 61ff62")), "a\ufffdb");
});

test("errors have the names of the registry", () => {
  assert.equal(describe(1, 2), "Message Header Error/Bad Message Length");
  assert.equal(describe(2, 6), "OPEN Message Error/Unacceptable Hold Time");
  assert.equal(describe(3, 10), "UPDATE Message Error/Invalid Network Field");
  assert.equal(describe(6, 10), "Cease/BFD Down");
  assert.equal(describe(4, 0), "Hold Timer Expired");
  assert.equal(
    describe(5, 3),
    "Finite State Machine Error/Receive Unexpected Message in Established State",
  );
  assert.equal(describe(6, 7), "Cease/Connection Collision Resolution");
  assert.equal(describe(7, 1), "ROUTE-REFRESH Message Error/Invalid Message Length");
  assert.equal(describe(8, 0), "Send Hold Timer Expired");
});

test("codes without a name show as numbers", () => {
  assert.equal(describe(99, 3), "Error 99/3");
  assert.equal(describe(3, 77), "UPDATE Message Error/77");
});

test("the text of a shutdown or reset is quoted, of others not", () => {
  const data = encodeShutdownCommunication("back at noon");
  assert.equal(describe(6, 2, data), 'Cease/Administrative Shutdown: "back at noon"');
  assert.equal(describe(6, 4, data), 'Cease/Administrative Reset: "back at noon"');
  assert.equal(describe(6, 5, data), "Cease/Connection Rejected");
});

test("RFC 8538: a Hard Reset shows what it wraps, one level deep", () => {
  const text = toHex(encodeShutdownCommunication("bye"));
  assert.equal(
    describe(6, 9, `06 02 ${text}`),
    'Cease/Hard Reset (Cease/Administrative Shutdown: "bye")',
  );
  assert.equal(describe(6, 9, "04 00"), "Cease/Hard Reset (Hold Timer Expired)");
  assert.equal(describe(6, 9, "06 09 06 09"), "Cease/Hard Reset (Cease/Hard Reset)");
  assert.equal(describe(6, 9, "06"), "Cease/Hard Reset");
});
