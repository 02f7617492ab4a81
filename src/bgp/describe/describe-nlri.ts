import { BgpError } from "../errors.ts";
import type { MpNlriRange } from "../attribute/decode-attributes.ts";
import { type Family, familyByKey } from "../family/index.ts";
import { formatNlri } from "../family/nlri.ts";
import { type CodecContext, familyKey } from "../message/codec-context.ts";
import { formatHex } from "../../wire/hex.ts";
import { type DescribedError, describeBgpError } from "./described-error.ts";

/** `10.1.0.0/24`, with ADD-PATH `10.1.0.0/24#7`; the octets where the family has no decoder. */
export type DescribedNlri =
  | string
  | { readonly afi: number; readonly safi: number; readonly nlri: string };

/** The prefixes of a message, from both of the places that they may stand in, and what is wrong with them. */
export interface DescribedField {
  readonly nlri: DescribedNlri[];
  readonly errors: DescribedError[];
}

/** Adds the prefixes in `octets[start..end)`, those before a broken one too. */
export function describePrefixes(
  field: DescribedField,
  family: Family,
  octets: Uint8Array,
  range: { readonly start: number; readonly end: number },
  context: CodecContext,
): void {
  const addPath = context.addPathReceive.has(family.key);
  try {
    family.walkNlri(octets, range.start, range.end, addPath, (pathId, _, offset, lengthBits) => {
      const prefix = formatNlri(family.version, octets, offset, lengthBits);
      field.nlri.push(addPath ? `${prefix}#${pathId}` : prefix);
    });
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    field.errors.push(describeBgpError(error));
  }
}

/** Adds the prefixes of MP_REACH_NLRI or MP_UNREACH_NLRI. */
export function describeMpNlri(
  field: DescribedField,
  octets: Uint8Array,
  { afi, nlriEnd, nlriStart, safi }: MpNlriRange,
  context: CodecContext,
): void {
  const family = familyByKey(familyKey(afi, safi));
  if (family !== undefined) {
    describePrefixes(field, family, octets, { start: nlriStart, end: nlriEnd }, context);
  } else if (nlriEnd > nlriStart) {
    field.nlri.push({ afi, safi, nlri: formatHex(octets.subarray(nlriStart, nlriEnd)) });
  }
}
