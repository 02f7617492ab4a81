import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capability } from "../../../../src/bgp/capability/capability.ts";
import { describeCapability } from "../../../../src/bgp/capability/index.ts";
import { BgpError, OpenMessageError } from "../../../../src/bgp/errors.ts";
import type { OpenMessage } from "../../../../src/bgp/message/message.ts";
import { decodeOpen, encodeOpen } from "../../../../src/bgp/message/open.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const open: OpenMessage = {
  asn: 65001,
  holdTimeSeconds: 90,
  bgpIdentifier: 0x0a000001,
  capabilities: [],
};

function unknown(octets: number, code = 200): Capability {
  return { name: "unknown", code, value: new Uint8Array(octets).fill(7) };
}

/** The NOTIFICATION that a body with these optional parameters deserves. */
function parametersError(parameters: string): string {
  try {
    decodeOpen(hex(`04 fde9 005a 0a000001 ${parameters}`));
  } catch (error) {
    assert.ok(error instanceof BgpError);
    return `${error.code}/${error.subcode} ${toHex(error.data)}`.trim();
  }
  return "none";
}

test("an AS number above 65535 shows as AS_TRANS in the 2-octet field", () => {
  const octets = encodeOpen({ ...open, asn: 4200000000 });
  assert.equal(toHex(octets.subarray(20, 22)), "5ba0");
  assert.equal(decodeOpen(octets.subarray(19)).asn, 23456);
});

test("the AS number is the capability's where there is one", () => {
  const capabilities: Capability[] = [{ name: "fourOctetAs", asn: 4200000000 }];
  const octets = encodeOpen({ ...open, asn: 4200000000, capabilities });
  assert.equal(decodeOpen(octets.subarray(19)).asn, 4200000000);
});

test("capabilities go into one parameter", () => {
  const octets = encodeOpen({ ...open, capabilities: [{ name: "routeRefresh" }, unknown(1)] });
  assert.equal(toHex(octets.subarray(28)), "07" + "0205" + "0200" + "c80107");
});

test("RFC 9072: the extended lengths are used from the first octet that the classic ones cannot say", () => {
  const classic = encodeOpen({ ...open, capabilities: [unknown(120), unknown(129)] });
  assert.equal(toHex(classic.subarray(28, 31)), "ff02fd");
  const extended = encodeOpen({ ...open, capabilities: [unknown(120), unknown(130)] });
  assert.equal(toHex(extended.subarray(28, 35)), "ffff01010200fe");
  for (const octets of [classic, extended]) {
    assert.equal(decodeOpen(octets.subarray(19)).capabilities.length, 2);
  }
});

test("RFC 9072: parameters of exactly 255 octets in the classic form are not taken for the extended one", () => {
  const octets = encodeOpen({ ...open, capabilities: [unknown(120), unknown(129)] });
  assert.equal(octets[28], 255);
  const again = encodeOpen(decodeOpen(octets.subarray(19)));
  assert.deepEqual(again, octets);
});

test("RFC 9072 §2: the one-octet length is ignored in the extended form, but not 0", () => {
  assert.equal(parametersError("01 ff 0005 02 0002 0200"), "none");
  assert.equal(parametersError("00 ff 0005 02 0002 0200"), "2/0");
});

test("capabilities that fit no message are refused", () => {
  const capabilities = Array.from({ length: 20 }, () => unknown(255));
  assert.throws(() => encodeOpen({ ...open, capabilities }), RangeError);
});

test("RFC 4271 §6.2: malformed parameters are 2/0", () => {
  assert.equal(parametersError("01 02"), "2/0"); // no length
  assert.equal(parametersError("02 02 01"), "2/0"); // overrun
  assert.equal(parametersError("00 00"), "2/0"); // left over
  assert.equal(parametersError("03 02 01 41"), "2/0"); // a capability without length
  assert.equal(parametersError("ff ff 0009 02 0002 0200"), "2/0"); // extended length lies
  assert.equal(parametersError("ff ff 00"), "2/0");
});

test("RFC 4271 §6.2: a malformed capability is 2/0 with the capability as data", () => {
  for (const bad of [
    "01 03 000100", // multiprotocol
    "02 01 00", // route refresh
    "06 01 00", // extended message
    "40 01 00", // graceful restart
    "40 05 0000 000101", // graceful restart, a family cut short
    "41 02 fde9", // 4-octet AS
    "46 01 00", // enhanced route refresh
  ]) {
    const octets = toHex(hex(bad));
    const length = octets.length / 2;
    const parameters = hex(`${(length + 2).toString(16).padStart(2, "0")} 02`);
    const body = toHex(parameters) + length.toString(16).padStart(2, "0") + octets;
    assert.equal(parametersError(body), `2/0 ${octets}`);
  }
});

test("RFC 4271 §6.2: an optional parameter that is not capabilities is 2/4", () => {
  assert.equal(parametersError("04 03 02 0000"), "2/4");
});

test("RFC 5492 §4: capabilities may repeat, in one parameter or in several", () => {
  assert.equal(parametersError("0a 02 04 0200 0200 02 02 0200"), "none");
});

test("RFC 4271 §6.2: hold times 1 and 2 are 2/6 with the hold time as data; 0 and 3 are fine", () => {
  for (const holdTimeSeconds of [1, 2]) {
    const body = encodeOpen({ ...open, holdTimeSeconds }).subarray(19);
    assert.throws(() => decodeOpen(body), {
      name: "OpenMessageError",
      subcode: 6,
      data: Uint8Array.of(0, holdTimeSeconds),
    });
  }
  for (const holdTimeSeconds of [0, 3, 65535]) {
    const body = encodeOpen({ ...open, holdTimeSeconds }).subarray(19);
    assert.equal(decodeOpen(body).holdTimeSeconds, holdTimeSeconds);
  }
});

test("RFC 4271 §6.2: any version but 4 is 2/1, and the data says 4 in two octets", () => {
  for (const version of [0, 3, 5, 255]) {
    const body = encodeOpen(open).subarray(19);
    body[0] = version;
    assert.throws(() => decodeOpen(body), { subcode: 1, data: Uint8Array.of(0, 4) });
  }
});

test("the version is judged before all else", () => {
  const body = hex("03 0000 0001 00000000 ff");
  assert.throws(() => decodeOpen(body), { subcode: 1 });
});

test("RFC 7607: AS 0 is 2/2, in the 2-octet field or in the capability", () => {
  assert.throws(() => decodeOpen(encodeOpen({ ...open, asn: 0 }).subarray(19)), { subcode: 2 });
  const capabilities: Capability[] = [{ name: "fourOctetAs", asn: 0 }];
  const body = encodeOpen({ ...open, capabilities }).subarray(19);
  assert.throws(
    () => decodeOpen(body),
    (error) => {
      return error instanceof OpenMessageError && error.subcode === 2;
    },
  );
});

test("a body too short to be an OPEN is a length error of the header", () => {
  assert.throws(() => decodeOpen(hex("04 fde9")), { code: 1, subcode: 2, data: hex("0016") });
});

test("capabilities read well", () => {
  const texts = decodeOpen(
    hex(`04 fde9 005a 0a000001 29 02 27
      01 04 00010001  01 04 00190041  02 00  06 00  46 00  41 04 fa56ea00
      40 0a c078 00010180 00020100  49 01 61`),
  ).capabilities.map(describeCapability);
  assert.deepEqual(texts, [
    { code: 1, name: "multiprotocol", text: "ipv4-unicast" },
    { code: 1, name: "multiprotocol", text: "25/65" },
    { code: 2, name: "route-refresh", text: "" },
    { code: 6, name: "extended-message", text: "" },
    { code: 70, name: "enhanced-route-refresh", text: "" },
    { code: 65, name: "four-octet-as", text: "4200000000" },
    {
      code: 64,
      name: "graceful-restart",
      text: "restart time 120 s, restarted, with NOTIFICATION, ipv4-unicast (forwarding kept), ipv6-unicast",
    },
    { code: 73, name: "unknown", text: "1 octets" },
  ]);
});

test("a graceful restart capability without families says that the peer can help (RFC 4724 §3)", () => {
  const [capability] = decodeOpen(hex("04 fde9 005a 0a000001 06 02 04 40 02 0000")).capabilities;
  assert.deepEqual(capability, {
    name: "gracefulRestart",
    restarted: false,
    notification: false,
    restartTimeSeconds: 0,
    families: [],
  });
});

test("RFC 9494 §3.1: long-lived graceful restart, in sevens of octets", () => {
  const octets = hex("04 fde9 005a 0a000001 12 02 10 47 0e 000101 80 015180 000201 00 ffffff");
  const { capabilities } = decodeOpen(octets);
  const families = [
    { afi: 1, safi: 1, forwardingPreserved: true, staleTimeSeconds: 86_400 },
    { afi: 2, safi: 1, forwardingPreserved: false, staleTimeSeconds: 16_777_215 },
  ];
  assert.deepEqual(capabilities, [{ name: "longLivedGracefulRestart", families }]);
  assert.deepEqual(describeCapability(capabilities[0] as Capability), {
    ...{ code: 71, name: "long-lived-graceful-restart" },
    text: "ipv4-unicast 86400 s (forwarding kept), ipv6-unicast 16777215 s",
  });
  const again = encodeOpen({ ...open, capabilities }).subarray(19);
  assert.deepEqual(decodeOpen(again).capabilities, capabilities);
  const none = hex("04 fde9 005a 0a000001 04 02 02 47 00");
  assert.deepEqual(decodeOpen(none).capabilities, [
    { name: "longLivedGracefulRestart", families: [] },
  ]);
  const cutShort = hex("04 fde9 005a 0a000001 0a 02 08 47 06 000101 80 0151");
  assert.throws(() => decodeOpen(cutShort), OpenMessageError);
});

test("RFC 8950 §4: extended next hop encoding, in triples", () => {
  const octets = hex("04 fde9 005a 0a000001 10 02 0e 05 0c 0001 0001 0002  0001 0080 0003");
  const { capabilities } = decodeOpen(octets);
  const families = [
    { afi: 1, safi: 1, nextHopAfi: 2 },
    { afi: 1, safi: 128, nextHopAfi: 3 },
  ];
  assert.deepEqual(capabilities, [{ name: "extendedNextHop", families }]);
  assert.deepEqual(describeCapability(capabilities[0] as Capability), {
    ...{ code: 5, name: "extended-next-hop" },
    text: "ipv4-unicast over IPv6, 1/128 over AFI 3",
  });
  const cutShort = hex("04 fde9 005a 0a000001 09 02 07 05 05 0001 0001 00");
  assert.throws(() => decodeOpen(cutShort), /2\/0|malformed/);
});

test("RFC 7911 §4: ADD-PATH by family and direction; an unknown direction is neither", () => {
  const value = "0001 01 01  0001 02 02  0002 01 03  0002 02 00  0019 41 04";
  const octets = hex(`04 fde9 005a 0a000001 18 02 16 45 14 ${value}`);
  const { capabilities } = decodeOpen(octets);
  assert.deepEqual(capabilities, [
    {
      name: "addPath",
      families: [
        { afi: 1, safi: 1, receive: true, send: false },
        { afi: 1, safi: 2, receive: false, send: true },
        { afi: 2, safi: 1, receive: true, send: true },
        { afi: 2, safi: 2, receive: false, send: false },
        { afi: 25, safi: 65, receive: false, send: false },
      ],
    },
  ]);
  assert.equal(
    describeCapability(capabilities[0] as Capability).text,
    "ipv4-unicast receive, 1/2 send, ipv6-unicast receive and send, 2/2 neither way, 25/65 neither way",
  );
  const again = encodeOpen({ ...open, capabilities });
  assert.deepEqual(decodeOpen(again.subarray(19)).capabilities, capabilities);
  assert.throws(() => decodeOpen(hex("04 fde9 005a 0a000001 07 02 05 45 03 000101")), {
    code: 2,
    subcode: 0,
  });
});

test("RFC 9072: the extended form may be asked for, and reads the same but for itself", () => {
  const short: OpenMessage = { ...open, capabilities: [{ name: "routeRefresh" }] };
  const asked = encodeOpen({ ...short, extendedParameters: true });
  const fields = 19 + 9;
  assert.deepEqual([...asked.subarray(fields, fields + 2)], [255, 255]);
  const { extendedParameters, ...same } = decodeOpen(asked.subarray(19));
  assert.equal(extendedParameters, true);
  assert.deepEqual(same, decodeOpen(encodeOpen(short).subarray(19)));
  const bare = encodeOpen({ ...open, capabilities: [], extendedParameters: true });
  assert.equal(bare.at(-1), 0, "there is nothing to extend");
});
