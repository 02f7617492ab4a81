import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32 } from "./uint32-value.ts";

/** LOCAL_PREF, RFC 4271 §5.1.5; malformed: RFC 7606 §7.5. */
export const localPref: AttributeRow<"localPref"> = {
  code: AttributeCode.localPref,
  name: "localPref",
  title: "LOCAL_PREF",
  category: "well-known",
  malformed: "treat-as-withdraw",
  internalOnly: true,
  decode: decodeUint32,
  encode: (value, writer) => {
    writer.uint32(value);
  },
  format: String,
};
