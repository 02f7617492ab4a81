import { addressOctets, type IpVersion, parseIpAddress } from "../../net/ip-address.ts";
import { prefixFromOctets } from "../../net/prefix.ts";
import type { Writer } from "../../wire/writer.ts";
import { UpdateMessageError } from "../errors.ts";
import { UpdateSubcode } from "../iana.ts";
import type { Nlri } from "../message/message.ts";

/**
 * Told of each prefix: its path identifier (0 without ADD-PATH), and where its `ceil(lengthBits / 8)` address octets
 * stand. Bits past `lengthBits` in the last octet are whatever the peer sent (RFC 4271 §4.3: "irrelevant").
 */
export type VisitNlri = (
  pathId: number,
  octets: Uint8Array,
  offset: number,
  lengthBits: number,
) => void;

function invalidNetworkField(message: string): UpdateMessageError {
  return new UpdateMessageError(UpdateSubcode.invalidNetworkField, message);
}

/** Walks plain prefixes: length octet, address octets. @throws UpdateMessageError 3/10 (RFC 7606 §5.3) */
export function walkPrefixes(
  octets: Uint8Array,
  start: number,
  end: number,
  maximumLengthBits: number,
  visit: VisitNlri,
): void {
  let offset = start;
  while (offset < end) {
    const lengthBits = octets[offset] as number;
    const next = offset + 1 + ((lengthBits + 7) >>> 3);
    if (lengthBits > maximumLengthBits || next > end) {
      throw brokenPrefix(lengthBits, maximumLengthBits, end - offset - 1);
    }
    visit(0, octets, offset + 1, lengthBits);
    offset = next;
  }
}

/** The same with a four-octet path identifier before each prefix, RFC 7911 §3. */
export function walkPathPrefixes(
  octets: Uint8Array,
  start: number,
  end: number,
  maximumLengthBits: number,
  visit: VisitNlri,
): void {
  let offset = start;
  while (offset < end) {
    if (end - offset < 5) throw invalidNetworkField("a path identifier is cut short");
    const pathId =
      (((octets[offset] as number) << 24) |
        ((octets[offset + 1] as number) << 16) |
        ((octets[offset + 2] as number) << 8) |
        (octets[offset + 3] as number)) >>>
      0;
    const lengthBits = octets[offset + 4] as number;
    const next = offset + 5 + ((lengthBits + 7) >>> 3);
    if (lengthBits > maximumLengthBits || next > end) {
      throw brokenPrefix(lengthBits, maximumLengthBits, end - offset - 5);
    }
    visit(pathId, octets, offset + 5, lengthBits);
    offset = next;
  }
}

function brokenPrefix(lengthBits: number, maximum: number, remaining: number): UpdateMessageError {
  if (lengthBits > maximum) {
    return invalidNetworkField(`prefix length ${lengthBits} exceeds ${maximum}`);
  }
  return invalidNetworkField(`a /${lengthBits} prefix is cut short after ${remaining} octets`);
}

/** Writes one prefix: `octets` holds at least `ceil(lengthBits / 8)` address octets with the host bits zero. */
export function encodeNlri(
  writer: Writer,
  octets: Uint8Array,
  lengthBits: number,
  pathId?: number,
): void {
  if (pathId !== undefined) writer.uint32(pathId);
  writer.uint8(lengthBits);
  const count = (lengthBits + 7) >>> 3;
  for (let index = 0; index < count; index++) writer.uint8(octets[index] as number);
}

/** The prefix at `offset` as canonical text. */
export function formatNlri(
  version: IpVersion,
  octets: Uint8Array,
  offset: number,
  lengthBits: number,
): string {
  const address = new Uint8Array(addressOctets(version));
  address.set(octets.subarray(offset, offset + ((lengthBits + 7) >>> 3)));
  return prefixFromOctets(address, lengthBits).text;
}

/** Address octets and length of an NLRI value. @throws RangeError when its text is no prefix of that IP version */
export function parseNlri(
  version: IpVersion,
  nlri: Nlri,
): { readonly octets: Uint8Array; readonly lengthBits: number } {
  const [address, length] = nlri.prefix.split("/");
  const octets = parseIpAddress(address ?? "");
  const lengthBits = Number(length);
  if (octets?.length !== addressOctets(version) || !(lengthBits <= octets.length * 8)) {
    throw new RangeError(`${nlri.prefix} is no IPv${version} prefix`);
  }
  return { octets: prefixFromOctets(octets, lengthBits).octets, lengthBits };
}
