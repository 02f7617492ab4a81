import type { AttributeRow } from "../attribute/attribute-row.ts";
import { attributeFlags, encodePathAttributes } from "../attribute/encode-attributes.ts";
import { mpReachNlri } from "../attribute/mp-reach-nlri.ts";
import { mpUnreachNlri } from "../attribute/mp-unreach-nlri.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { type Family, ipv4Unicast } from "../family/index.ts";
import { AttributeFlag, headerOctets, MessageType } from "../iana.ts";
import { Writer } from "../../wire/writer.ts";
import type { CodecContext } from "./codec-context.ts";

/** Where the prefixes of a message stand, which decides the lengths to patch. */
type Layout = "withdrawn-routes" | "nlri" | "mp-attribute";

const messageLengthOffset = 16;
const withdrawnLengthOffset = headerOctets;
const attributesLengthOffset = headerOctets + 2;
const attributesOffset = headerOctets + 4;
/** The MP attribute stands first (RFC 7606 §5.1), and its length always takes two octets. */
const mpLengthOffset = attributesOffset + 2;
const mpValueOffset = attributesOffset + 4;

const noOctets = new Uint8Array(0);

/**
 * Packs prefixes into as few UPDATEs as they take: say what is announced or withdrawn, `add` the prefixes, `flush`. Each
 * message carries one kind alone (RFC 7606 §5.1). Nothing is allocated per prefix, and the octets that messages with
 * the same attributes share are written once.
 */
export class UpdatePacker {
  readonly #context: CodecContext;
  readonly #emit: (message: Uint8Array) => void;
  readonly #octets: Uint8Array;
  readonly #writer = new Writer();
  /** `undefined` until something is to be packed. */
  #layout: Layout | undefined;
  #addPath = false;
  /** Where the prefixes start, and where the next one goes. */
  #start = 0;
  #offset = 0;
  /** What follows the prefixes, and the offset that they may not pass because of it. */
  #tail: Uint8Array = noOctets;
  #limit = 0;

  /** `emit` is given whole messages, as views that hold until it returns. */
  constructor(context: CodecContext, emit: (message: Uint8Array) => void) {
    this.#context = context;
    this.#emit = emit;
    this.#octets = new Uint8Array(context.maximumMessageOctets);
    this.#octets.fill(0xff, 0, messageLengthOffset);
    this.#octets[headerOctets - 1] = MessageType.update;
  }

  /**
   * The prefixes that follow are announced with these attributes: those of IPv4 unicast in the message's own NLRI field
   * unless `multiprotocol`, others in MP_REACH_NLRI.
   * @returns false when the attributes leave no room for one prefix: the route cannot be told to this peer
   * @throws RangeError when the next hop is missing or does not fit the family
   */
  announce(
    family: Family,
    attributes: PathAttributes,
    multiprotocol: boolean = family !== ipv4Unicast,
  ): boolean {
    this.flush();
    this.#addPath = this.#context.addPathSend.has(family.key);
    const writer = this.#writer;
    writer.truncate(0);
    const options = { nextHop: !multiprotocol };
    this.#layout = undefined;
    if (!encodePathAttributes(attributes, this.#context, writer, options)) return false;
    const block = writer.finish();
    if (multiprotocol) {
      this.#open("mp-attribute", mpReachHead(family, attributes, writer), block);
    } else {
      this.#open("nlri", block, noOctets);
    }
    const largest = 1 + family.maximumLengthBits / 8 + (this.#addPath ? 4 : 0);
    if (this.#start + largest <= this.#limit) return true;
    this.#layout = undefined;
    return false;
  }

  /** The prefixes that follow are withdrawn. */
  withdraw(family: Family, multiprotocol: boolean = family !== ipv4Unicast): void {
    this.flush();
    this.#addPath = this.#context.addPathSend.has(family.key);
    if (multiprotocol) {
      this.#open("mp-attribute", mpUnreachHead(family, this.#writer), noOctets);
    } else {
      this.#open("withdrawn-routes", noOctets, noOctets);
    }
  }

  /** Adds the prefix whose address octets, host bits zero, start at `offset`. `pathId` goes out only where ADD-PATH is in force. */
  add(octets: Uint8Array, offset: number, lengthBits: number, pathId = 0): void {
    if (this.#layout === undefined) throw new RangeError("neither announcing nor withdrawing");
    const count = (lengthBits + 7) >>> 3;
    const needed = count + (this.#addPath ? 5 : 1);
    if (this.#offset + needed > this.#limit) this.flush();
    const target = this.#octets;
    let at = this.#offset;
    if (this.#addPath) {
      target[at++] = pathId >>> 24;
      target[at++] = pathId >>> 16;
      target[at++] = pathId >>> 8;
      target[at++] = pathId;
    }
    target[at++] = lengthBits;
    for (let index = 0; index < count; index++) {
      target[at++] = octets[offset + index] as number;
    }
    this.#offset = at;
  }

  /** Emits what was added since the last message; more of the same may follow. */
  flush(): void {
    const octets = this.#octets;
    const layout = this.#layout;
    const nlriEnd = this.#offset;
    if (layout === undefined || nlriEnd === this.#start) return;
    octets.set(this.#tail, nlriEnd);
    let end = nlriEnd + this.#tail.length;
    if (layout === "withdrawn-routes") {
      this.#patch(withdrawnLengthOffset, nlriEnd - this.#start);
      octets[end++] = 0;
      octets[end++] = 0;
    } else if (layout === "mp-attribute") {
      this.#patch(mpLengthOffset, nlriEnd - mpValueOffset);
      this.#patch(attributesLengthOffset, end - attributesOffset);
    }
    this.#patch(messageLengthOffset, end);
    this.#offset = this.#start;
    this.#emit(octets.subarray(0, end));
  }

  /** Lays out the part before the prefixes. */
  #open(layout: Layout, head: Uint8Array, tail: Uint8Array): void {
    const headStart = layout === "withdrawn-routes" ? attributesLengthOffset : attributesOffset;
    this.#layout = layout;
    this.#start = headStart + head.length;
    this.#offset = this.#start;
    this.#tail = tail;
    const trailer = layout === "withdrawn-routes" ? 2 : tail.length;
    this.#limit = this.#octets.length - trailer;
    this.#patch(withdrawnLengthOffset, 0);
    if (this.#start > this.#limit) return;
    this.#octets.set(head, headStart);
    if (layout === "nlri") this.#patch(attributesLengthOffset, head.length);
  }

  #patch(offset: number, value: number): void {
    this.#octets[offset] = value >>> 8;
    this.#octets[offset + 1] = value;
  }
}

/** The header and the start of the value of an MP attribute: all that stands before its NLRI. */
function mpHead(row: AttributeRow, writer: Writer, value: () => void): Uint8Array {
  writer.truncate(0);
  writer
    .uint8(attributeFlags(row) | AttributeFlag.extendedLength)
    .uint8(row.code)
    .uint16(0);
  value();
  return writer.finish();
}

function mpReachHead(
  family: Family,
  { linkLocalNextHop, nextHop }: PathAttributes,
  writer: Writer,
): Uint8Array {
  if (nextHop === undefined) throw new RangeError(`a route of ${family.name} without next hop`);
  return mpHead(mpReachNlri, writer, () => {
    writer.uint16(family.afi).uint8(family.safi);
    writer.lengthUint8(() => {
      const both = linkLocalNextHop === undefined ? { nextHop } : { nextHop, linkLocalNextHop };
      family.encodeNextHop(both, writer);
    });
    writer.uint8(0);
  });
}

function mpUnreachHead(family: Family, writer: Writer): Uint8Array {
  return mpHead(mpUnreachNlri, writer, () => {
    writer.uint16(family.afi).uint8(family.safi);
  });
}
