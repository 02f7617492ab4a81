import { Parser } from "binary-parser";
import { Writer } from "../../wire/writer.ts";
import { headerOctets, MessageType, maximumMessageOctets } from "../iana.ts";
import { badMessageLength, beginMessage, finishMessage } from "./header.ts";
import type { NotificationMessage } from "./message.ts";

const fixedOctets = 2;

const parser = new Parser()
  .endianness("big")
  .uint8("code")
  .uint8("subcode")
  .buffer("data", { readUntil: "eof" });

/** Decodes the body of a NOTIFICATION, RFC 4271 §4.5. @throws MessageHeaderError 1/2, which is not to be answered (§6.4) */
export function decodeNotification(body: Uint8Array): NotificationMessage {
  if (body.length < fixedOctets) {
    const length = headerOctets + body.length;
    throw badMessageLength(length, `length ${length} is too short for a NOTIFICATION`);
  }
  const { code, subcode, data } = parser.parse(body) as NotificationMessage;
  return { code, subcode, data: Uint8Array.from(data) };
}

/**
 * Encodes a whole NOTIFICATION. Data that would make it longer than 4096 octets is cut: it quotes what the peer sent, and
 * a cut quotation is better than none.
 */
export function encodeNotification(notification: NotificationMessage): Uint8Array {
  const { code, subcode, data } = notification;
  const writer = new Writer();
  beginMessage(writer, MessageType.notification);
  writer.uint8(code).uint8(subcode);
  writer.bytes(data.subarray(0, maximumMessageOctets - writer.length));
  return finishMessage(writer);
}
