import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cease, ceaseText } from "../../../../src/bgp/fsm/cease.ts";
import { received } from "../../../../src/bgp/fsm/down-reason.ts";

describe("cease", () => {
  it("carries the operator's text with its length (RFC 9003 §2)", () => {
    assert.deepEqual(cease(2, "bye"), {
      code: 6,
      subcode: 2,
      data: Uint8Array.of(3, 0x62, 0x79, 0x65),
    });
  });

  it("carries no data without a text, nor with subcodes that have none", () => {
    assert.equal(cease(2).data.length, 0);
    assert.equal(cease(7, "bye").data.length, 0);
  });

  it("cuts a long text after the last whole character within 255 octets", () => {
    const { data } = cease(4, "é".repeat(200));
    assert.equal(data.length, 255);
    assert.equal(data[0], 254);
    assert.equal(ceaseText(cease(4, "é".repeat(200))), "é".repeat(127));
  });

  it("gives back what it carried", () => {
    assert.equal(ceaseText(cease(2, "maintenance till 5")), "maintenance till 5");
    assert.equal(ceaseText(cease(2)), undefined);
  });
});

describe("ceaseText", () => {
  it("shows no control characters and no broken UTF-8", () => {
    const data = Uint8Array.of(4, 0x1b, 0x41, 0xff, 0x0a);
    assert.equal(ceaseText({ code: 6, subcode: 2, data }), " A\ufffd ");
  });

  it("shows nothing where the length is beyond the data", () => {
    assert.equal(ceaseText({ code: 6, subcode: 2, data: Uint8Array.of(9, 0x41) }), undefined);
  });

  it("leaves the data of other NOTIFICATIONs alone", () => {
    assert.equal(ceaseText({ code: 3, subcode: 2, data: Uint8Array.of(1, 0x41) }), undefined);
  });
});

describe("received", () => {
  it("says what the peer said, text and all", () => {
    const reason = received(cease(2, "maintenance"));
    assert.equal(reason.text, 'the peer sent NOTIFICATION 6/2 (Cease): "maintenance"');
    assert.equal(reason.direction, "received");
  });

  it("names an error code that it does not know by its number", () => {
    const reason = received({ code: 99, subcode: 1, data: new Uint8Array(0) });
    assert.equal(reason.text, "the peer sent NOTIFICATION 99/1 (unknown)");
  });
});
