import { formatHex } from "../../wire/hex.ts";
import { attributeByCode, attributeTitle } from "../attribute/index.ts";
import { Malformed } from "../attribute/attribute-row.ts";
import { walkAttributes } from "../attribute/walk-attributes.ts";
import { AttributeFlag } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";

/** One path attribute as it stands in the message, whether it counts or not. */
export interface DescribedAttribute {
  /** `AS_PATH`, or `attribute 99` where nobody here knows the code. */
  readonly name: string;
  readonly code: number;
  readonly flags: readonly string[];
  /** For people. */
  readonly value?: string;
  /** The octets of a value that is malformed or not known here. */
  readonly hex?: string;
}

const flagNames = Object.entries({
  optional: AttributeFlag.optional,
  transitive: AttributeFlag.transitive,
  partial: AttributeFlag.partial,
  "extended-length": AttributeFlag.extendedLength,
});

/** The attributes in `octets[start..end)` in their order, as far as the list can be followed. */
export function describeAttributes(
  octets: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
): DescribedAttribute[] {
  const attributes: DescribedAttribute[] = [];
  walkAttributes(octets, start, end, ({ code, flags, valueStart, end: valueEnd }) => {
    attributes.push({
      name: attributeTitle(code),
      code,
      flags: flagNames.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name),
      ...describeValue(code, octets.subarray(valueStart, valueEnd), context),
    });
  });
  return attributes;
}

function describeValue(
  code: number,
  octets: Uint8Array,
  context: CodecContext,
): Pick<DescribedAttribute, "value" | "hex"> {
  const row = attributeByCode(code);
  const value = row?.decode(octets, context);
  if (row === undefined || value === undefined || value instanceof Malformed) {
    return { hex: formatHex(octets) };
  }
  return { value: row.format(value) };
}
