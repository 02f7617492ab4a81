import { Parser } from "binary-parser";
import { Writer } from "../../wire/writer.ts";
import { RouteRefreshError } from "../errors.ts";
import { MessageType, RouteRefreshSubcode } from "../iana.ts";
import { beginMessage, finishMessage } from "./header.ts";
import type { RouteRefreshMessage } from "./message.ts";

const bodyOctets = 4;

/** RFC 2918 §3; RFC 7313 §3.2 made the reserved octet the subtype. */
const parser = new Parser().endianness("big").uint16("afi").uint8("subtype").uint8("safi");

/** Decodes the body of a ROUTE-REFRESH. @throws RouteRefreshError 7/1 (data: the whole message) when it is not 4 octets */
export function decodeRouteRefresh(body: Uint8Array): RouteRefreshMessage {
  if (body.length !== bodyOctets) {
    throw new RouteRefreshError(
      RouteRefreshSubcode.invalidMessageLength,
      `a ROUTE-REFRESH of ${body.length} octets, not ${bodyOctets}`,
      wholeMessage(body),
    );
  }
  const { afi, safi, subtype } = parser.parse(body) as RouteRefreshMessage;
  return { afi, safi, subtype };
}

/** The message that `body` came in: a header holds nothing that cannot be told from it. */
function wholeMessage(body: Uint8Array): Uint8Array {
  const writer = new Writer();
  beginMessage(writer, MessageType.routeRefresh);
  writer.bytes(body);
  return finishMessage(writer, 0xffff);
}

/** Encodes a whole ROUTE-REFRESH. */
export function encodeRouteRefresh({ afi, safi, subtype }: RouteRefreshMessage): Uint8Array {
  const writer = new Writer(32);
  beginMessage(writer, MessageType.routeRefresh);
  writer.uint16(afi).uint8(subtype).uint8(safi);
  return finishMessage(writer);
}
