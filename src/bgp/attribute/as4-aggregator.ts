import { AttributeCode } from "../iana.ts";
import { decodeAggregator, encodeAggregator, formatAggregator } from "./aggregator.ts";
import type { AttributeRow } from "./attribute-row.ts";

/** AS4_AGGREGATOR, RFC 6793 §3; malformed: §6. */
export const as4Aggregator: AttributeRow<"as4Aggregator"> = {
  code: AttributeCode.as4Aggregator,
  name: "as4Aggregator",
  title: "AS4_AGGREGATOR",
  category: "optional transitive",
  malformed: "attribute-discard",
  decode: (value) => decodeAggregator(value, 4),
  encode: (value, writer) => {
    encodeAggregator(value, 4, writer);
  },
  format: formatAggregator,
};
