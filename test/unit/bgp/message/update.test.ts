import assert from "node:assert/strict";
import { test } from "node:test";
import { UpdateMessageError } from "../../../../src/bgp/errors.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../../src/bgp/family/index.ts";
import { encodeEndOfRib, endOfRibFamily } from "../../../../src/bgp/message/end-of-rib.ts";
import type { UpdateMessage } from "../../../../src/bgp/message/message.ts";
import { scanUpdate, UpdateView } from "../../../../src/bgp/message/scan-update.ts";
import { decodeUpdate, encodeUpdate } from "../../../../src/bgp/message/update.ts";
import { UpdatePacker } from "../../../../src/bgp/message/update-packer.ts";
import { codecContext } from "../../../vectors/context.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const context = codecContext();
const attributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 } as const;
const ipv6Attributes = { ...attributes, nextHop: "2001:db8::1" };

function scan(body: Uint8Array): UpdateView {
  const view = new UpdateView();
  scanUpdate(body, 0, body.length, view);
  return view;
}

function update(differing: Partial<UpdateMessage>): UpdateMessage {
  return { withdrawn: [], announced: [], attributes: {}, errors: [], ...differing };
}

/** `count` different /24 prefixes. */
function prefixes(count: number): { prefix: string }[] {
  return Array.from({ length: count }, (_, index) => {
    return { prefix: `${10 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}.0/24` };
  });
}

test("scanUpdate finds every part, MP attributes by header and value", () => {
  const body = hex(`0004 18 0ae902
    001c 80 0f 04 0002 01 00
         40 01 01 00
         90 0e 000d 0002 01 04 c0000201 00 18 200100
    18 0ae903`);
  const octets = new Uint8Array(body.length + 10);
  octets.set(body, 5);
  const view = new UpdateView();
  scanUpdate(octets, 5, 5 + body.length, view);
  assert.deepEqual(Object.fromEntries(Object.entries(view)), {
    withdrawnStart: 7,
    withdrawnEnd: 11,
    attributesStart: 13,
    attributesEnd: 41,
    nlriStart: 41,
    nlriEnd: 45,
    mpUnreachAttributeStart: 13,
    mpUnreachStart: 16,
    mpUnreachEnd: 20,
    mpReachAttributeStart: 24,
    mpReachStart: 28,
    mpReachEnd: 41,
    broken: false,
  });
});

test("a view that is used again keeps nothing of the message before", () => {
  const view = new UpdateView();
  const first = hex("0000 0008 80 0f 04 0002 01 00 80");
  scanUpdate(first, 0, first.length, view);
  assert.equal(view.broken, true);
  const second = hex("0000 0000");
  scanUpdate(second, 0, second.length, view);
  assert.deepEqual(view, scan(second));
});

test("scanUpdate calls a list broken that overruns, or has an MP attribute twice", () => {
  assert.equal(scan(hex("0000 0003 40 01 01")).broken, true);
  assert.equal(scan(hex("0000 0001 40")).broken, true);
  assert.equal(scan(hex("0000 0003 50 01 00")).broken, true);
  assert.equal(scan(hex("0000 000c 800f03000201 800f03000201")).broken, true);
  assert.equal(scan(hex("0000 0003 40 02 00")).broken, false);
});

test("RFC 7606 §3 b: total lengths that do not fit the message are 3/1", () => {
  for (const lie of ["", "0000", "000000", "0001 0000", "ffff 0000", "0000 0001", "0000 ffff 40"]) {
    assert.throws(
      () => scan(hex(lie)),
      (error) => {
        return error instanceof UpdateMessageError && error.subcode === 1;
      },
    );
  }
});

test("RFC 7606 §5.3: a prefix too long or cut short is 3/10, in any field", () => {
  const common = "40 01 01 00 40 02 00 40 03 04 c0000201";
  for (const bad of [
    "0002 21 00 0000",
    "0001 18 0000",
    `0000 000e ${common} 21 0000000000`,
    `0000 000e ${common} 18 0ae9`,
    "0000 0008 80 0f 05 0002 01 81 00",
    "0000 0008 80 0f 05 0002 01 10 20",
  ]) {
    assert.throws(() => decodeUpdate(hex(bad), context), { code: 3, subcode: 10 }, bad);
  }
});

test("RFC 7911: a path identifier that is cut short is 3/10", () => {
  const addPath = codecContext({ addPathReceive: new Set([ipv4Unicast.key]) });
  for (const bad of ["0004 00000001 0000", "0003 000000 0000", "0006 00000001 18 0a 0000"]) {
    assert.throws(() => decodeUpdate(hex(bad), addPath), { code: 3, subcode: 10 });
  }
});

test("RFC 4271 §4.3: bits of a prefix past its length are irrelevant", () => {
  const { withdrawn } = decodeUpdate(hex("0002 04 ff 0000"), context);
  assert.deepEqual(withdrawn, [{ prefix: "240.0.0.0/4" }]);
});

test("RFC 7606 §5.1: an UPDATE of several kinds becomes a message for each", () => {
  const messages = encodeUpdate(
    update({
      withdrawn: [{ prefix: "10.0.0.0/8" }],
      announced: [{ prefix: "10.1.0.0/16" }],
      attributes,
      mpUnreach: { afi: 2, safi: 1, nlri: [{ prefix: "2001:db8::/32" }] },
      mpReach: { afi: 2, safi: 1, nlri: [{ prefix: "::/0" }], nextHop: "2001:db8::1" },
    }),
    context,
  ).map((message) => decodeUpdate(message.subarray(19), context));
  assert.deepEqual(messages, [
    update({ withdrawn: [{ prefix: "10.0.0.0/8" }] }),
    update({ announced: [{ prefix: "10.1.0.0/16" }], attributes }),
    update({ mpUnreach: { afi: 2, safi: 1, nlri: [{ prefix: "2001:db8::/32" }] } }),
    update({
      mpReach: { afi: 2, safi: 1, nlri: [{ prefix: "::/0" }] },
      attributes: ipv6Attributes,
    }),
  ]);
});

test("what exceeds a message is split, each filled to the last prefix that fits", () => {
  for (const maximumMessageOctets of [4096, 65535]) {
    const large = codecContext({ maximumMessageOctets });
    const announced = prefixes(40000);
    const messages = encodeUpdate(update({ announced, attributes }), large);
    const decoded = messages.map((message) => decodeUpdate(message.subarray(19), large));
    assert.deepEqual(
      decoded.flatMap((one) => one.announced),
      announced,
    );
    for (const message of messages.slice(0, -1)) {
      assert.ok(message.length <= maximumMessageOctets);
      assert.ok(message.length > maximumMessageOctets - 4, "room for one more");
    }
  }
});

test("the same for withdrawals and for MP attributes", () => {
  const nlri = Array.from({ length: 3000 }, (_, index) => {
    return { prefix: `2001:db8:${(index + 1).toString(16)}::/48` };
  });
  const reach = encodeUpdate(
    update({ mpReach: { afi: 2, safi: 1, nlri }, attributes: ipv6Attributes }),
    context,
  );
  const unreach = encodeUpdate(update({ mpUnreach: { afi: 2, safi: 1, nlri } }), context);
  const withdrawn = prefixes(3000);
  const classic = encodeUpdate(update({ withdrawn }), context);
  for (const messages of [reach, unreach, classic]) {
    assert.ok(messages.every((message) => message.length <= 4096));
    assert.ok(messages.slice(0, -1).every((message) => message.length > 4096 - 7));
  }
  const decoded = [...reach, ...unreach, ...classic].map((message) => {
    return decodeUpdate(message.subarray(19), context);
  });
  const all = decoded.flatMap(({ mpReach, mpUnreach, withdrawn: own }) => [
    ...(mpReach && "nlri" in mpReach ? mpReach.nlri : []),
    ...(mpUnreach && "nlri" in mpUnreach ? mpUnreach.nlri : []),
    ...own,
  ]);
  assert.deepEqual(all, [...nlri, ...nlri, ...withdrawn]);
});

test("RFC 7606 §5.1: MP_REACH_NLRI stands first", () => {
  const nlri = [{ prefix: "2001:db8::/32" }];
  const [message] = encodeUpdate(
    update({ mpReach: { afi: 2, safi: 1, nlri }, attributes: ipv6Attributes }),
    context,
  );
  assert.equal(message?.[24], 14);
  assert.equal(toHex(message.subarray(23 + 30)), "40010100" + "400200" + "40050400000064");
});

test("IPv4 unicast goes into MP_REACH_NLRI where the message says so", () => {
  const original = update({
    mpReach: { afi: 1, safi: 1, nlri: [{ prefix: "10.0.0.0/8" }] },
    attributes,
  });
  const [message] = encodeUpdate(original, context);
  assert.ok(message);
  assert.deepEqual(decodeUpdate(message.subarray(19), context), original);
});

test("attributes that leave no room for a prefix are refused by encodeUpdate and told by the packer", () => {
  const communities = Array.from({ length: 1014 }, (_, index) => index);
  const fat = { ...attributes, communities };
  const announced = [{ prefix: "10.0.0.0/8" }];
  assert.throws(() => encodeUpdate(update({ announced, attributes: fat }), context), RangeError);
  const packer = new UpdatePacker(context, () => assert.fail("nothing to emit"));
  assert.equal(packer.announce(ipv4Unicast, fat), false);
  assert.throws(() => packer.add(hex("0a"), 0, 8), RangeError);
  assert.equal(packer.announce(ipv6Unicast, { ...fat, nextHop: "2001:db8::1" }), false);
  packer.flush();
});

test("a packer goes from kind to kind, and emits what was open", () => {
  const messages: string[] = [];
  const packer = new UpdatePacker(context, (message) => messages.push(toHex(message.subarray(16))));
  packer.announce(ipv4Unicast, attributes);
  packer.add(hex("ff 0ae902"), 1, 24);
  packer.withdraw(ipv4Unicast);
  packer.add(hex("0a"), 0, 8);
  packer.add(hex(""), 0, 0);
  packer.withdraw(ipv6Unicast);
  packer.add(hex("20010db8"), 0, 32);
  packer.announce(ipv6Unicast, ipv6Attributes);
  packer.announce(ipv4Unicast, attributes);
  packer.add(hex("c0"), 0, 2);
  packer.flush();
  packer.flush();
  const block = "40010100" + "400200" + "400304c0000201" + "40050400000064";
  assert.deepEqual(messages, [
    `0030020000` + `0015${block}` + "180ae902",
    "001a02" + "0003" + "080a" + "00" + "0000",
    "002302" + "0000" + "000c" + "900f0008" + "000201" + "2020010db8",
    `002e020000` + `0015${block}` + "02c0",
  ]);
});

test("a packer writes path identifiers where ADD-PATH is in force, 0 among them", () => {
  const addPath = codecContext({
    addPathSend: new Set([ipv4Unicast.key]),
    addPathReceive: new Set([ipv4Unicast.key]),
  });
  const withdrawn = [
    { prefix: "10.0.0.0/8", pathId: 0 },
    { prefix: "10.0.0.0/8", pathId: 0xfffffffe },
  ];
  const [message] = encodeUpdate(update({ withdrawn }), addPath);
  assert.ok(message);
  assert.deepEqual(decodeUpdate(message.subarray(19), addPath).withdrawn, withdrawn);
});

test("a next hop that does not fit the family is refused", () => {
  const packer = new UpdatePacker(context, () => {});
  assert.throws(() => packer.announce(ipv6Unicast, attributes), RangeError);
  assert.throws(() => packer.announce(ipv4Unicast, ipv6Attributes), RangeError);
  assert.throws(() => packer.announce(ipv6Unicast, { origin: 0 }), RangeError);
});

test("text that is no prefix of the family is refused", () => {
  for (const prefix of ["10.0.0.0", "10.0.0.0/33", "2001:db8::/32", "10.0.0.0/x", "/8", ""]) {
    assert.throws(() => encodeUpdate(update({ withdrawn: [{ prefix }] }), context), RangeError);
  }
});

test("RFC 4724 §2: End-of-RIB is known per family, and nothing else is taken for it", () => {
  const key = (message: Uint8Array): number | undefined => {
    const body = message.subarray(19);
    return endOfRibFamily(body, scan(body));
  };
  assert.equal(key(encodeEndOfRib(1, 1)), ipv4Unicast.key);
  assert.equal(key(encodeEndOfRib(2, 1)), ipv6Unicast.key);
  assert.equal(key(encodeEndOfRib(1, 128)), 256 + 128);
  assert.equal(encodeEndOfRib(1, 1).length, 23);
  for (const other of [
    "0001 00 0000", // a withdrawal
    "0000 0007 80 0f 04 0002 01 00", // a withdrawal of ::/0
    "0000 000a 80 0f 03 0002 01 40 01 01 00", // an attribute beside it
    "0000 0006 80 0f 03 0002 01 00", // a prefix beside it
    "0000 0005 80 0f 02 0002", // cut
  ]) {
    const body = hex(other);
    assert.equal(endOfRibFamily(body, scan(body)), undefined, other);
  }
});
