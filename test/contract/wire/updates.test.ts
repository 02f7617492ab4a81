/**
 * What becomes of each kind of malformed UPDATE (RFC 4271 §6.3, RFC 7606), over real sockets, in every chunking down to an
 * octet at a time: the NOTIFICATION where it resets the session, and what is left of the routes where it does not.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PathAttributes } from "../../../src/bgp/attribute/path-attributes.ts";
import { decodeMessage } from "../../../src/bgp/message/decode-message.ts";
import { codecContext } from "../../vectors/context.ts";
import { hex, message, toHex } from "../../vectors/hex.ts";
import { chunkings, openMessage, updateMessage, WireScene } from "./scene.ts";

const origin = "400101 00";
const asPath = "400206 0201 0000fc01";
const nextHop = "400304 0a000009";
const usual = `${origin} ${asPath} ${nextHop}`;
const prefix = "10.233.2.0/24";
const nlri = "18 0ae902";
/** An attribute that is longer than the list. */
const overrun = "800405 00000000";

interface Row {
  readonly name: string;
  readonly send: Uint8Array;
  /** `withdraw`: the route is gone; `keep`: it is there; else the NOTIFICATION. */
  readonly result: string;
  /** What is told of it: attribute, subcode, outcome; none for a reset by the message as a whole. */
  readonly errors?: readonly string[];
  /** From an external peer; default internal. */
  readonly external?: true;
}

function withdrawn(name: string, attributes: string, error: string): Row {
  return {
    name,
    send: updateMessage(attributes, nlri),
    result: "withdraw",
    errors: [`${error} treat-as-withdraw`],
  };
}

function kept(name: string, attributes: string, error: string, external?: true): Row {
  const errors = [`${error} attribute-discard`];
  return {
    name,
    send: updateMessage(attributes, nlri),
    result: "keep",
    errors,
    ...(external && { external }),
  };
}

const rows: readonly Row[] = [
  // RFC 7606 §3 b, RFC 4271 §6.3: what resets the session whatever the attributes are.
  {
    name: "withdrawn routes that overrun the message",
    send: message(2, "0005 180ae902"),
    result: "3/1",
  },
  {
    name: "attributes that overrun the message",
    send: message(2, "0000 0009 40010100"),
    result: "3/1",
  },
  { name: "a prefix of 33 bits", send: updateMessage(usual, "21 0ae9020000"), result: "3/10" },
  { name: "a prefix that is cut", send: updateMessage(usual, "18 0ae9"), result: "3/10" },
  {
    name: "a withdrawn prefix of 33 bits",
    send: updateMessage("", "", "21 0ae9020000"),
    result: "3/10",
  },
  {
    name: "a withdrawn prefix that is cut",
    send: updateMessage("", "", "18 0ae9"),
    result: "3/10",
  },
  {
    name: "an IPv4 prefix of 33 bits in MP_REACH_NLRI",
    send: updateMessage(`${origin} ${asPath} 800e0f 0001 01 04 0a000009 00 21 0ae9020000`),
    result: "3/10",
  },
  {
    name: "MP_REACH_NLRI twice",
    send: updateMessage(
      `${usual} 800e09 0001 01 04 0a000009 00 800e09 0001 01 04 0a000009 00`,
      nlri,
    ),
    result: "3/1",
  },
  {
    name: "MP_UNREACH_NLRI twice",
    send: updateMessage(`${usual} 800f03 0001 01 800f03 0001 01`, nlri),
    result: "3/1",
  },
  {
    name: "MP_REACH_NLRI of four octets",
    send: updateMessage(`${usual} 800e04 0001 01 00`, nlri),
    result: "3/9 800e0400010100",
  },
  {
    name: "MP_REACH_NLRI whose next hop does not fit",
    send: updateMessage(`${usual} 800e08 0001 01 03 0a0000 00`, nlri),
    result: "3/9 800e08000101030a000000",
  },
  {
    name: "MP_UNREACH_NLRI of two octets",
    send: updateMessage(`${usual} 800f02 0001`, nlri),
    result: "3/9 800f020001",
  },
  {
    name: "MP_UNREACH_NLRI with the flags of a transitive attribute",
    send: updateMessage(`${usual} c00f03 0001 01`, nlri),
    result: "3/4 c00f03000101",
  },
  {
    name: "MP_REACH_NLRI that overruns the attributes",
    send: updateMessage(`${usual} 800e20 0001`, nlri),
    result: "3/1",
  },
  {
    name: "an unknown attribute that is said to be well-known",
    send: updateMessage(`${usual} 406302 abcd`, nlri),
    result: "3/2 406302abcd",
  },
  // RFC 7606 §5.2: no prefix to withdraw.
  {
    name: "a malformed MULTI_EXIT_DISC and no prefix",
    send: updateMessage("800403 000000"),
    result: "3/5 800403000000",
  },
  {
    name: "an undefined ORIGIN and no prefix",
    send: updateMessage("400101 03"),
    result: "3/6 40010103",
  },
  { name: "a malformed AS_PATH and no prefix", send: updateMessage("400202 0200"), result: "3/11" },
  {
    name: "ORIGIN with the wrong flags and no prefix",
    send: updateMessage("c00101 00"),
    result: "3/4 c0010100",
  },
  { name: "an attribute that overruns and no prefix", send: updateMessage(overrun), result: "3/1" },
  // RFC 7606 §3 c, §3 d, §4, §7: treat-as-withdraw.
  withdrawn("no ORIGIN", `${asPath} ${nextHop}`, "1 3/3"),
  withdrawn("no AS_PATH", `${origin} ${nextHop}`, "2 3/3"),
  withdrawn("no NEXT_HOP", `${origin} ${asPath}`, "3 3/3"),
  withdrawn("ORIGIN of two octets", `400102 0000 ${asPath} ${nextHop}`, "1 3/5"),
  withdrawn("an undefined ORIGIN", `400101 03 ${asPath} ${nextHop}`, "1 3/6"),
  withdrawn("ORIGIN said to be optional", `c00101 00 ${asPath} ${nextHop}`, "1 3/4"),
  withdrawn(
    "AS_PATH with an unknown segment",
    `${origin} 400206 0901 0000fc01 ${nextHop}`,
    "2 3/11",
  ),
  withdrawn("AS_PATH with an empty segment", `${origin} 400202 0200 ${nextHop}`, "2 3/11"),
  withdrawn(
    "AS_PATH whose segment overruns",
    `${origin} 400206 0202 0000fc01 ${nextHop}`,
    "2 3/11",
  ),
  withdrawn("AS 0 in AS_PATH", `${origin} 400206 0201 00000000 ${nextHop}`, "2 3/11"),
  withdrawn("NEXT_HOP of five octets", `${origin} ${asPath} 400305 0a00000900`, "3 3/5"),
  withdrawn("NEXT_HOP 0.0.0.0", `${origin} ${asPath} 400304 00000000`, "3 3/8"),
  withdrawn("NEXT_HOP 127.0.0.1", `${origin} ${asPath} 400304 7f000001`, "3 3/8"),
  withdrawn("NEXT_HOP 224.0.0.5", `${origin} ${asPath} 400304 e0000005`, "3 3/8"),
  withdrawn("MULTI_EXIT_DISC of three octets", `${usual} 800403 000000`, "4 3/5"),
  withdrawn("LOCAL_PREF of three octets", `${usual} 400503 000000`, "5 3/5"),
  withdrawn("COMMUNITIES of three octets", `${usual} c00803 000000`, "8 3/5"),
  withdrawn("ORIGINATOR_ID of three octets", `${usual} 800903 000000`, "9 3/5"),
  withdrawn("CLUSTER_LIST of three octets", `${usual} 800a03 000000`, "10 3/5"),
  withdrawn("EXTENDED_COMMUNITIES of seven octets", `${usual} c01007 00000000000000`, "16 3/5"),
  withdrawn("LARGE_COMMUNITY without any", `${usual} c02000`, "32 3/5"),
  withdrawn("an attribute that overruns", `${usual} ${overrun}`, "4 3/1"),
  withdrawn("a list that ends inside a header", `${usual} 80`, "0 3/1"),
  // RFC 7606 §7: attribute discard.
  kept("ATOMIC_AGGREGATE of one octet", `${usual} 400601 00`, "6 3/5"),
  kept("AGGREGATOR of six octets", `${usual} c00706 fc010a000001`, "7 3/5"),
  kept("AS4_PATH from a speaker of 4-octet AS numbers", `${usual} c01106 02010000fc01`, "17 3/1"),
  kept("a second ORIGIN", `${usual} 400101 02`, "1 3/1"),
  kept("LOCAL_PREF from an external peer", `${usual} 400503 000000`, "5 3/1", true),
  kept("ORIGINATOR_ID from an external peer", `${usual} 800903 000000`, "9 3/1", true),
  kept("CLUSTER_LIST from an external peer", `${usual} 800a03 000000`, "10 3/1", true),
  // The strongest wins, RFC 7606 §3 h.
  {
    name: "a discard and a withdraw",
    send: updateMessage(`${usual} 400601 00 800403 000000`, nlri),
    result: "withdraw",
    errors: ["6 3/5 attribute-discard", "4 3/5 treat-as-withdraw"],
  },
  {
    name: "a withdraw and a reset",
    send: updateMessage(`${usual} 800403 000000 406300`, nlri),
    result: "3/2 406300",
  },
  // Nothing is wrong with these.
  {
    name: "unused flag bits",
    send: updateMessage(`4f0101 00 ${asPath} ${nextHop}`, nlri),
    result: "keep",
  },
  {
    name: "an unknown optional attribute",
    send: updateMessage(`${usual} 806302 abcd`, nlri),
    result: "keep",
  },
  {
    name: "a family that nobody asked for",
    send: updateMessage("800f06 0019 41 abcdef"),
    result: "keep",
  },
];

describe("malformed UPDATEs over real sockets", { concurrency: true, timeout: 180_000 }, () => {
  let internal: WireScene;
  let external: WireScene;
  before(async () => {
    internal = await WireScene.start();
    // Nobody hears of the others: what comes is the answer to a refresh.
    external = await WireScene.start({ asn: 64_513, advertise: "own" });
  });
  after(async () => {
    await internal[Symbol.asyncDispose]();
    await external[Symbol.asyncDispose]();
  });

  for (const { errors, external: isExternal, name, result, send } of rows) {
    test(`${name}: ${result}`, async () => {
      const scene = isExternal === true ? external : internal;
      const open =
        isExternal === true
          ? openMessage({ asn: "fc01", capabilities: "4104 0000fc01 0200 4600" })
          : openMessage();
      for (const chunkOctets of chunkings) {
        using session = await scene.established(open);
        await session.peer.send(updateMessage(usual, nlri));
        await session.settled();
        assert.deepEqual(scene.prefixesFrom(session.address), [prefix]);
        await session.peer.send(send, chunkOctets);
        if (result !== "keep" && result !== "withdraw") {
          assert.equal(await session.answer(), result, `in chunks of ${chunkOctets}`);
          continue;
        }
        await session.settled();
        assert.deepEqual(scene.prefixesFrom(session.address), result === "keep" ? [prefix] : []);
        const told = scene.malformed.filter(({ address }) => address === session.address);
        assert.deepEqual(
          told.flatMap((one) =>
            one.errors.map(
              ({ attribute, outcome, subcode }) => `${attribute} 3/${subcode} ${outcome}`,
            ),
          ),
          errors ?? [],
        );
      }
    });
  }

  test("treat-as-withdraw of what was never announced is no event", async () => {
    using session = await internal.established();
    await session.peer.send(updateMessage(`${usual} 800403 000000`, nlri));
    await session.settled();
    assert.deepEqual(internal.prefixesFrom(session.address), []);
  });
});

function attributesOf(update: Uint8Array): PathAttributes {
  const decoded = decodeMessage(update, codecContext());
  assert.equal(decoded.type, "UPDATE");
  return decoded.type === "UPDATE" ? decoded.update.attributes : {};
}

describe("what other peers hear of it", { timeout: 180_000 }, () => {
  test("a route that is treated as withdrawn is withdrawn from them", async () => {
    await using scene = await WireScene.start({ client: true });
    using bystander = await scene.established();
    using session = await scene.established();
    await session.peer.send(updateMessage(usual, nlri));
    const announced = decodeMessage(await bystander.expect(2), codecContext());
    assert.deepEqual(announced.type === "UPDATE" && announced.update.announced, [{ prefix }]);
    await session.peer.send(updateMessage(`${usual} 800403 000000`, nlri), 1);
    const gone = decodeMessage(await bystander.expect(2), codecContext());
    assert.deepEqual(gone.type === "UPDATE" && gone.update.withdrawn, [{ prefix }]);
  });

  test("an unknown transitive attribute reaches them octet by octet, with the Partial bit", async () => {
    await using scene = await WireScene.start({ client: true });
    using bystander = await scene.established();
    using session = await scene.established();
    const long = "ab".repeat(300);
    await session.peer.send(
      updateMessage(`${usual} c06302 abcd d06400 02 1234 d0c8012c ${long} 806501 99`, nlri),
    );
    const octets = toHex(await bystander.expect(2));
    for (const expected of ["e06302abcd", "f06400021234", `f0c8012c${long}`]) {
      assert.ok(octets.includes(expected), expected);
    }
    assert.ok(!octets.includes("650199"), "a non-transitive one went on");
  });

  test("a discarded attribute does not, the others do", async () => {
    await using scene = await WireScene.start({ client: true });
    using bystander = await scene.established();
    using session = await scene.established();
    await session.peer.send(updateMessage(`${usual} 400601 00 c00804 fc000001`, nlri));
    const attributes = attributesOf(await bystander.expect(2));
    assert.equal("atomicAggregate" in attributes, false);
    assert.deepEqual("communities" in attributes && attributes.communities, [0xfc000001]);
  });

  test("AS4_PATH and AS4_AGGREGATOR count from a speaker of 2-octet AS numbers", async () => {
    await using scene = await WireScene.start({ client: true });
    using bystander = await scene.established();
    using old = await scene.established(openMessage({ capabilities: "0104 00010001 0200" }));
    const sent =
      "400101 00 400206 0202 fc01 5ba0 400304 0a000009 c00706 5ba0 0a000001 c01106 0201 fa56ea00 c01208 fa56ea00 0a000001";
    await old.peer.send(updateMessage(sent, nlri));
    const attributes = attributesOf(await bystander.expect(2));
    assert.deepEqual(attributes.asPath, [{ type: 2, asns: [64_513, 4_200_000_000] }]);
    assert.deepEqual(attributes.aggregator, {
      asn: 4_200_000_000,
      identifier: 0x0a000001,
    });
  });
});

test("hex of the tables is as long as it says", () => {
  // A row whose own lengths are off by mistake would test something else.
  for (const { name, send } of rows)
    assert.equal(
      send.length,
      hex(toHex(send.subarray(16, 18))).reduce((sum, octet) => sum * 256 + octet, 0),
      name,
    );
});
