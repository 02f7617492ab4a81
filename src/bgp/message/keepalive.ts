import { Writer } from "../../wire/writer.ts";
import { headerOctets, MessageType } from "../iana.ts";
import { beginMessage, finishMessage } from "./header.ts";

/** Encodes a whole KEEPALIVE, RFC 4271 §4.4: a header and nothing else. */
export function encodeKeepalive(): Uint8Array {
  const writer = new Writer(headerOctets);
  beginMessage(writer, MessageType.keepalive);
  return finishMessage(writer);
}
