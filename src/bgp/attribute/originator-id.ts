import { formatIpv4 } from "../../net/ip-address.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32 } from "./uint32-value.ts";

/** ORIGINATOR_ID, RFC 4456 §8; malformed: RFC 7606 §7.9. */
export const originatorId: AttributeRow<"originatorId"> = {
  code: AttributeCode.originatorId,
  name: "originatorId",
  title: "ORIGINATOR_ID",
  category: "optional non-transitive",
  malformed: "treat-as-withdraw",
  internalOnly: true,
  decode: decodeUint32,
  encode: (value, writer) => {
    writer.uint32(value);
  },
  format: formatIpv4,
};
