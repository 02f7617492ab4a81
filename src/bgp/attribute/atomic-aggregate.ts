import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

/** ATOMIC_AGGREGATE, RFC 4271 §5.1.6; malformed: RFC 7606 §7.6. */
export const atomicAggregate: AttributeRow<"atomicAggregate"> = {
  code: AttributeCode.atomicAggregate,
  name: "atomicAggregate",
  title: "ATOMIC_AGGREGATE",
  category: "well-known",
  malformed: "attribute-discard",
  decode: (value) => (value.length === 0 ? true : wrongLength(value.length, "0")),
  encode: () => {},
  format: () => "yes",
};
