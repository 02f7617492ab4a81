import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32 } from "./uint32-value.ts";

/** ONLY_TO_CUSTOMER (OTC), RFC 9234 §5: the AS that attached it; malformed: §5. */
export const onlyToCustomer: AttributeRow<"onlyToCustomer"> = {
  code: AttributeCode.onlyToCustomer,
  name: "onlyToCustomer",
  title: "ONLY_TO_CUSTOMER",
  category: "optional transitive",
  malformed: "treat-as-withdraw",
  decode: decodeUint32,
  encode: (value, writer) => {
    writer.uint32(value);
  },
  format: String,
};
