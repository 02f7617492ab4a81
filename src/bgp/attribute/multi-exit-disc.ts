import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32 } from "./uint32-value.ts";

/** MULTI_EXIT_DISC, RFC 4271 §5.1.4; malformed: RFC 7606 §7.4. */
export const multiExitDisc: AttributeRow<"multiExitDisc"> = {
  code: AttributeCode.multiExitDisc,
  name: "multiExitDisc",
  title: "MULTI_EXIT_DISC",
  category: "optional non-transitive",
  malformed: "treat-as-withdraw",
  decode: decodeUint32,
  encode: (value, writer) => {
    writer.uint32(value);
  },
  format: String,
};
