import { formatIpv4 } from "../../net/ip-address.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32List } from "./uint32-value.ts";

/** CLUSTER_LIST, RFC 4456 §8; malformed: RFC 7606 §7.10. */
export const clusterList: AttributeRow<"clusterList"> = {
  code: AttributeCode.clusterList,
  name: "clusterList",
  title: "CLUSTER_LIST",
  category: "optional non-transitive",
  malformed: "treat-as-withdraw",
  internalOnly: true,
  decode: decodeUint32List,
  encode: (value, writer) => {
    for (const identifier of value) writer.uint32(identifier);
  },
  format: (value) => value.map(formatIpv4).join(" "),
};
