import { Parser } from "binary-parser";
import { MessageHeaderError } from "../errors.ts";
import {
  HeaderSubcode,
  headerOctets,
  MessageType,
  maximumMessageOctets as classicMaximumOctets,
} from "../iana.ts";
import type { Writer } from "../../wire/writer.ts";

/** The message header without its marker, RFC 4271 §4.1. */
export interface MessageHeader {
  /** Octets of the whole message with its header. */
  readonly length: number;
  readonly type: MessageType;
}

const markerOctets = 16;

const headerParser = new Parser()
  .endianness("big")
  .skip(markerOctets)
  .uint16("length")
  .uint8("type");

/** Smallest length per type, RFC 4271 §4.2 to §4.5; ROUTE-REFRESH judges its own with an error code of its own (RFC 7313 §5). */
const minimumOctets: Readonly<Record<MessageType, number>> = {
  [MessageType.open]: 29,
  [MessageType.update]: 23,
  [MessageType.notification]: 21,
  [MessageType.keepalive]: 19,
  [MessageType.routeRefresh]: 19,
};

/** The error for a Length field (RFC 4271 §6.1): its data is that field. */
export function badMessageLength(length: number, message: string): MessageHeaderError {
  const data = Uint8Array.of(length >>> 8, length);
  return new MessageHeaderError(HeaderSubcode.badMessageLength, message, data);
}

/**
 * Checks the 19 octets of a header at `offset`, in the order of RFC 4271 §6.1.
 * @returns the Length field: octets of the whole message
 * @throws MessageHeaderError 1/1, 1/2 (data: the length), 1/3 (data: the type)
 */
export function checkHeader(octets: Uint8Array, offset: number, maximumOctets: number): number {
  for (let index = offset; index < offset + markerOctets; index++) {
    if (octets[index] !== 0xff) {
      throw new MessageHeaderError(
        HeaderSubcode.connectionNotSynchronized,
        `marker octet ${index - offset} is ${octets[index]}, not 255`,
      );
    }
  }
  const length = ((octets[offset + 16] as number) << 8) | (octets[offset + 17] as number);
  const type = octets[offset + 18] as number;
  if (length < headerOctets || length > maximumOctets) {
    throw badMessageLength(length, `length ${length} is not in ${headerOctets}..${maximumOctets}`);
  }
  if (type < MessageType.open || type > MessageType.routeRefresh) {
    throw new MessageHeaderError(
      HeaderSubcode.badMessageType,
      `message type ${type} is unknown`,
      Uint8Array.of(type),
    );
  }
  checkLengthOfType(type as MessageType, length);
  return length;
}

function checkLengthOfType(type: MessageType, length: number): void {
  if (length < minimumOctets[type]) {
    throw badMessageLength(length, `length ${length} is too short for message type ${type}`);
  }
  if (type === MessageType.keepalive && length !== headerOctets) {
    throw badMessageLength(length, `a KEEPALIVE has ${headerOctets} octets, not ${length}`);
  }
  // RFC 8654 §3: the larger maximum "applies to all messages except for OPEN and KEEPALIVE".
  if (type === MessageType.open && length > classicMaximumOctets) {
    throw badMessageLength(length, `an OPEN of ${length} octets exceeds ${classicMaximumOctets}`);
  }
}

/** Reads the header of one whole message. @throws MessageHeaderError as `checkHeader`, and 1/2 when octets are missing or left over */
export function decodeHeader(message: Uint8Array, maximumOctets: number): MessageHeader {
  if (message.length < headerOctets) {
    throw badMessageLength(message.length, `${message.length} octets are no message header`);
  }
  const length = checkHeader(message, 0, maximumOctets);
  if (length !== message.length) {
    throw badMessageLength(length, `length ${length}, but ${message.length} octets`);
  }
  return headerParser.parse(message.subarray(0, headerOctets)) as MessageHeader;
}

/** Writes a header whose Length is patched by `finishMessage`. */
export function beginMessage(writer: Writer, type: MessageType): void {
  writer.uint32(0xffffffff).uint32(0xffffffff).uint32(0xffffffff).uint32(0xffffffff);
  writer.uint16(0).uint8(type);
}

/** Patches the Length of the one message in `writer` and gives a copy of it. @throws RangeError above `maximumOctets` */
export function finishMessage(
  writer: Writer,
  maximumOctets: number = classicMaximumOctets,
): Uint8Array {
  if (writer.length > maximumOctets) {
    throw new RangeError(`a message of ${writer.length} octets exceeds ${maximumOctets}`);
  }
  writer.patchUint16(markerOctets, writer.length);
  return writer.finish();
}
