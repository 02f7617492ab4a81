import { decodePathAttributes, type MpNlriRange } from "../attribute/decode-attributes.ts";
import {
  attributeFlags,
  encodePathAttributes,
  writeAttribute,
} from "../attribute/encode-attributes.ts";
import { mpReachNlri } from "../attribute/mp-reach-nlri.ts";
import { mpUnreachNlri } from "../attribute/mp-unreach-nlri.ts";
import type { AttributeRow } from "../attribute/attribute-row.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { type Family, familyByKey, ipv4Unicast } from "../family/index.ts";
import { formatNlri, parseNlri } from "../family/nlri.ts";
import { MessageType } from "../iana.ts";
import { Writer } from "../../wire/writer.ts";
import { type CodecContext, familyKey } from "./codec-context.ts";
import { beginMessage, finishMessage } from "./header.ts";
import type { FamilyNlri, Nlri, UpdateMessage } from "./message.ts";
import { scanUpdate, UpdateView } from "./scan-update.ts";
import { UpdatePacker } from "./update-packer.ts";

const noOctets = new Uint8Array(0);

/**
 * Decodes the body of an UPDATE in full (RFC 4271 §4.3, RFC 4760), for tools and tests. What is wrong with attributes is in
 * `errors`, with its outcome, also where that is a session reset.
 * @throws UpdateMessageError 3/1 when the total lengths lie, 3/10 when prefixes are broken
 */
export function decodeUpdate(body: Uint8Array, context: CodecContext): UpdateMessage {
  const view = new UpdateView();
  scanUpdate(body, 0, body.length, view);
  const announces = view.nlriStart < view.nlriEnd;
  const decoded = decodePathAttributes(body, view.attributesStart, view.attributesEnd, context, {
    announces,
  });
  const { attributes, errors, mpReach, mpUnreach } = decoded;
  return {
    withdrawn: readNlri(ipv4Unicast, body, view.withdrawnStart, view.withdrawnEnd, context),
    announced: readNlri(ipv4Unicast, body, view.nlriStart, view.nlriEnd, context),
    attributes,
    ...(mpReach && {
      mpReach: {
        ...familyNlri(body, mpReach, view.mpReachStart, context),
        ...(announces && nextHopsOf(mpReach.attributes)),
      },
    }),
    ...(mpUnreach && { mpUnreach: familyNlri(body, mpUnreach, view.mpUnreachStart, context) }),
    errors,
  };
}

function readNlri(
  family: Family,
  body: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
): Nlri[] {
  const nlri: Nlri[] = [];
  const addPath = context.addPathReceive.has(family.key);
  family.walkNlri(body, start, end, addPath, (pathId, octets, offset, lengthBits) => {
    const prefix = formatNlri(family.version, octets, offset, lengthBits);
    nlri.push(addPath ? { prefix, pathId } : { prefix });
  });
  return nlri;
}

function familyNlri(
  body: Uint8Array,
  { afi, safi, nlriStart, nlriEnd }: MpNlriRange,
  valueStart: number,
  context: CodecContext,
): FamilyNlri {
  const family = familyByKey(familyKey(afi, safi));
  if (family === undefined) return { afi, safi, octets: body.slice(valueStart + 3, nlriEnd) };
  return { afi, safi, nlri: readNlri(family, body, nlriStart, nlriEnd, context) };
}

function nextHopsOf({
  linkLocalNextHop,
  nextHop,
}: PathAttributes): Pick<PathAttributes, "linkLocalNextHop" | "nextHop"> {
  return {
    ...(nextHop !== undefined && { nextHop }),
    ...(linkLocalNextHop !== undefined && { linkLocalNextHop }),
  };
}

/**
 * Encodes an UPDATE as whole messages, each of one kind (RFC 7606 §5.1): withdrawn, announced, MP_UNREACH_NLRI,
 * MP_REACH_NLRI, and each split where it exceeds the maximum. One that holds no prefix at all becomes one message with the
 * attributes that it has.
 * @throws RangeError when something cannot be said: attributes that leave no room for a prefix, a next hop of another family
 */
export function encodeUpdate(update: UpdateMessage, context: CodecContext): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const packer = new UpdatePacker(context, (message) => messages.push(message.slice()));
  const { announced, attributes, mpReach, mpUnreach, withdrawn } = update;
  if (withdrawn.length > 0) {
    packer.withdraw(ipv4Unicast);
    addAll(packer, ipv4Unicast, withdrawn);
  }
  if (announced.length > 0) {
    announceAll(packer, ipv4Unicast, announced, attributes, false);
  }
  if (mpUnreach !== undefined) withdrawFamily(packer, mpUnreach, context, messages);
  if (mpReach !== undefined) reachFamily(packer, mpReach, attributes, context, messages);
  if (messages.length === 0) messages.push(encodeBare(attributes, context));
  return messages;
}

function addAll(packer: UpdatePacker, family: Family, nlri: readonly Nlri[]): void {
  for (const one of nlri) {
    const { octets, lengthBits } = parseNlri(family.version, one);
    packer.add(octets, 0, lengthBits, one.pathId);
  }
  packer.flush();
}

function announceAll(
  packer: UpdatePacker,
  family: Family,
  nlri: readonly Nlri[],
  attributes: PathAttributes,
  multiprotocol: boolean,
): void {
  if (!packer.announce(family, attributes, multiprotocol)) {
    throw new RangeError("the path attributes leave no room for a prefix");
  }
  addAll(packer, family, nlri);
}

function withdrawFamily(
  packer: UpdatePacker,
  unreach: FamilyNlri,
  context: CodecContext,
  messages: Uint8Array[],
): void {
  const { afi, safi } = unreach;
  const family = familyByKey(familyKey(afi, safi));
  if ("octets" in unreach || family === undefined || unreach.nlri.length === 0) {
    const octets = "octets" in unreach ? unreach.octets : noOctets;
    messages.push(encodeMpOctets(mpUnreachNlri, { afi, safi, octets }, noOctets, context));
    return;
  }
  packer.withdraw(family, true);
  addAll(packer, family, unreach.nlri);
}

function reachFamily(
  packer: UpdatePacker,
  reach: FamilyNlri,
  attributes: PathAttributes,
  context: CodecContext,
  messages: Uint8Array[],
): void {
  if ("octets" in reach) {
    const block = new Writer();
    mustFit(encodePathAttributes(attributes, context, block, { nextHop: false }));
    messages.push(encodeMpOctets(mpReachNlri, reach, block.view(), context));
    return;
  }
  const { afi, safi, nlri } = reach;
  const family = familyByKey(familyKey(afi, safi));
  if (family === undefined)
    throw new RangeError(`family ${afi}/${safi} takes octets, not prefixes`);
  if (nlri.length === 0) return;
  announceAll(packer, family, nlri, { ...attributes, ...nextHopsOf(reach) }, true);
}

/** An UPDATE whose MP attribute is octets already, which stands first. */
function encodeMpOctets(
  row: AttributeRow,
  { afi, safi, octets }: { afi: number; safi: number; octets: Uint8Array },
  attributes: Uint8Array,
  context: CodecContext,
): Uint8Array {
  const value = new Writer().uint16(afi).uint8(safi).bytes(octets);
  const writer = new Writer();
  beginMessage(writer, MessageType.update);
  writer.uint16(0).lengthUint16(() => {
    writeAttribute(writer, attributeFlags(row), row.code, value.view());
    writer.bytes(attributes);
  });
  return finishMessage(writer, context.maximumMessageOctets);
}

function encodeBare(attributes: PathAttributes, context: CodecContext): Uint8Array {
  const writer = new Writer();
  beginMessage(writer, MessageType.update);
  writer.uint16(0).lengthUint16(() => {
    mustFit(encodePathAttributes(attributes, context, writer));
  });
  return finishMessage(writer, context.maximumMessageOctets);
}

function mustFit(isSayable: boolean): void {
  if (!isSayable) throw new RangeError("an attribute exceeds 65535 octets");
}
