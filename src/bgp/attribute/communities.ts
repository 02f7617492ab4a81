import { formatCommunity } from "../../net/community.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32List } from "./uint32-value.ts";

/** COMMUNITIES, RFC 1997; malformed: RFC 7606 §7.8. */
export const communities: AttributeRow<"communities"> = {
  code: AttributeCode.communities,
  name: "communities",
  title: "COMMUNITIES",
  category: "optional transitive",
  malformed: "treat-as-withdraw",
  decode: decodeUint32List,
  encode: (value, writer) => {
    for (const community of value) writer.uint32(community);
  },
  format: (value) => value.map(formatCommunity).join(" "),
};
