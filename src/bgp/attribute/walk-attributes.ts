import { AttributeFlag } from "../iana.ts";

/** One attribute as the walk found it: offsets into the octets that were walked. */
export interface RawAttribute {
  readonly code: number;
  readonly flags: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** Where a list of attributes breaks off: the attribute that is cut, 0 where not even its code is there. */
export interface AttributeOverrun {
  readonly code: number;
  readonly start: number;
  readonly message: string;
}

/** Visits the attributes in `octets[start..end)` in their order. @returns where the list breaks off, if it does */
export function walkAttributes(
  octets: Uint8Array,
  start: number,
  end: number,
  visit: (raw: RawAttribute) => void,
): AttributeOverrun | undefined {
  let offset = start;
  while (offset < end) {
    const flags = octets[offset] as number;
    const isExtended = (flags & AttributeFlag.extendedLength) !== 0;
    const valueStart = offset + (isExtended ? 4 : 3);
    const code = offset + 1 < end ? (octets[offset + 1] as number) : 0;
    if (valueStart > end) {
      return { code, start: offset, message: "the list ends inside a header" };
    }
    const length = isExtended
      ? ((octets[offset + 2] as number) << 8) | (octets[offset + 3] as number)
      : (octets[offset + 2] as number);
    if (length > end - valueStart) {
      const message = `${length} octets announced, ${end - valueStart} left in the list`;
      return { code, start: offset, message };
    }
    const next = valueStart + length;
    visit({ code, flags, start: offset, valueStart, end: next });
    offset = next;
  }
  return undefined;
}
