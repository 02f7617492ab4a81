import { readIpv4 } from "../../net/ip-address.ts";
import { UpdateSubcode } from "../iana.ts";
import { Malformed } from "./attribute-row.ts";

/** The error of a value whose length does not fit. */
export function wrongLength(length: number, expected: string): Malformed {
  return new Malformed(UpdateSubcode.attributeLengthError, `${length} octets, not ${expected}`);
}

/** A value that is one unsigned 32-bit number. */
export function decodeUint32(value: Uint8Array): number | Malformed {
  return value.length === 4 ? readIpv4(value) : wrongLength(value.length, "4");
}

/** A value that is a list, not empty, of unsigned 32-bit numbers. */
export function decodeUint32List(value: Uint8Array): number[] | Malformed {
  if (value.length === 0 || value.length % 4 !== 0) {
    return wrongLength(value.length, "a multiple of 4");
  }
  const list: number[] = [];
  for (let offset = 0; offset < value.length; offset += 4) list.push(readIpv4(value, offset));
  return list;
}
