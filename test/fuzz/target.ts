import assert from "node:assert/strict";
import { decodePathAttributes } from "../../src/bgp/attribute/decode-attributes.ts";
import { encodePathAttributes } from "../../src/bgp/attribute/encode-attributes.ts";
import { describeMessage } from "../../src/bgp/describe/describe-message.ts";
import { BgpError, UpdateMessageError } from "../../src/bgp/errors.ts";
import { families, ipv4Unicast } from "../../src/bgp/family/index.ts";
import { headerOctets, MessageType } from "../../src/bgp/iana.ts";
import type { CodecContext } from "../../src/bgp/message/codec-context.ts";
import { decodeMessage } from "../../src/bgp/message/decode-message.ts";
import { Framer } from "../../src/bgp/message/framer.ts";
import { FamilyRib } from "../../src/bgp/rib/family-rib.ts";
import { PathAttributeStore } from "../../src/bgp/rib/path-attributes.ts";
import { UpdateReceiver } from "../../src/bgp/update-receiver.ts";
import { Writer } from "../../src/wire/writer.ts";
import { nobody, ribPeer, standstill, takeAll } from "../support/rib-harness.ts";
import { codecContext } from "../vectors/context.ts";
import type { PseudoRandom } from "./pseudo-random.ts";

const familyKeys: ReadonlySet<number> = new Set(families.map(({ key }) => key));
const addPath = { addPathReceive: familyKeys, addPathSend: familyKeys };

const contexts: readonly CodecContext[] = [
  codecContext(),
  codecContext({ external: true }),
  codecContext({ fourOctetAs: false }),
  codecContext(addPath),
  codecContext({ maximumMessageOctets: 65_535, external: true, ...addPath }),
];

/** Everything that reads what a peer sends. Nothing but `BgpError` may come out of it, and nothing may stay behind. */
export class Target {
  readonly #store = new PathAttributeStore(nobody);
  readonly #ribs = new Map(
    families.map((family) => [
      family.key,
      new FamilyRib(family, this.#store, (index) => ribPeer(index), standstill),
    ]),
  );
  readonly #receiver = new UpdateReceiver(this.#store, this.#ribs);

  /** @throws AssertionError or whatever should not have been thrown */
  take(message: Uint8Array, random: PseudoRandom): void {
    const context = random.pick(contexts);
    this.#decode(message, context);
    assert.ok(describeMessage(message, context).type.length > 0);
    this.#frame(message, context, random);
    if (message[headerOctets - 1] === MessageType.update) this.#receive(message, context);
  }

  #decode(message: Uint8Array, context: CodecContext): void {
    const before = message.slice();
    try {
      decodeMessage(message, context);
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      assert.ok(error.code >= 1 && error.code <= 8 && error.data.length <= 65_535);
    }
    assert.deepEqual(message, before, "decoding has changed its input");
    this.#reencode(message.subarray(headerOctets), context);
  }

  /** What was sound in any octets can be said again, if it fits, and means the same then. */
  #reencode(block: Uint8Array, context: CodecContext): void {
    const { attributes } = decodePathAttributes(block, 0, block.length, context, {
      announces: true,
    });
    const writer = new Writer();
    const isIpv4 = attributes.nextHop === undefined || !attributes.nextHop.includes(":");
    if (!encodePathAttributes(attributes, context, writer, { nextHop: isIpv4 })) return;
    const octets = writer.finish();
    const again = decodePathAttributes(octets, 0, octets.length, context, { announces: true });
    const missing = again.errors.filter(({ subcode }) => subcode !== 3);
    assert.deepEqual(missing, [], "what was encoded is malformed");
  }

  #frame(message: Uint8Array, context: CodecContext, random: PseudoRandom): void {
    const framer = new Framer(context.maximumMessageOctets);
    const chunkOctets = 1 + random.integer(message.length + 1);
    let framed = 0;
    try {
      for (let at = 0; at < message.length; at += chunkOctets) {
        framer.push(message.subarray(at, at + chunkOctets));
        for (let one = framer.next(); one !== undefined; one = framer.next()) {
          framed += one.end - one.start + headerOctets;
        }
      }
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      return;
    }
    assert.equal(framed + framer.pendingOctets, message.length);
  }

  #receive(message: Uint8Array, context: CodecContext): void {
    const source = { peer: 1, context, families: familyKeys, importPolicy: takeAll };
    try {
      this.#receiver.receive(
        message,
        headerOctets,
        Math.max(headerOctets, message.length),
        source,
        0,
      );
    } catch (error) {
      // What is not in a whole message is not received.
      if (!(error instanceof UpdateMessageError)) throw error;
    }
  }

  /** The peer goes: all that it has left goes with it. */
  forget(): void {
    for (const rib of this.#ribs.values()) {
      rib.removePeer(1, false);
      while (rib.turn(() => {}));
      while (rib.tidy());
      assert.equal(rib.paths.rowsOf(1).next().done, true, "paths are left");
    }
    assert.equal(this.#store.size, 0, "attributes are left");
    assert.equal(this.#ribs.get(ipv4Unicast.key)?.locRib.dirtyCount, 0);
  }
}
