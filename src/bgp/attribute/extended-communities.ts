import {
  extendedCommunityOctets as communityOctets,
  formatExtendedCommunity,
} from "../../net/extended-community.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

/** EXTENDED COMMUNITIES, RFC 4360; malformed: RFC 7606 §7.14. */
export const extendedCommunities: AttributeRow<"extendedCommunities"> = {
  code: AttributeCode.extendedCommunities,
  name: "extendedCommunities",
  title: "EXTENDED_COMMUNITIES",
  category: "optional transitive",
  malformed: "treat-as-withdraw",
  decode: (value) => {
    if (value.length === 0 || value.length % communityOctets !== 0) {
      return wrongLength(value.length, `a multiple of ${communityOctets}`);
    }
    return Array.from({ length: value.length / communityOctets }, (_, index) =>
      value.slice(index * communityOctets, (index + 1) * communityOctets),
    );
  },
  encode: (value, writer) => {
    for (const octets of value) writer.bytes(octets);
  },
  format: (value) => value.map(formatExtendedCommunity).join(" "),
};
