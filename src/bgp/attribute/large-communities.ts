import { formatLargeCommunity, type LargeCommunity } from "../../net/community.ts";
import { readIpv4 } from "../../net/ip-address.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

/** Octets of one, RFC 8092 §3. */
const communityOctets = 12;

/** RFC 8092 §5: a receiver "MUST silently remove redundant" ones. The first of each stays. */
function withoutDuplicates(communities: readonly LargeCommunity[]): LargeCommunity[] {
  const seen = new Map<string, LargeCommunity>();
  for (const community of communities) {
    const key = formatLargeCommunity(community);
    if (!seen.has(key)) seen.set(key, community);
  }
  return [...seen.values()];
}

/** LARGE_COMMUNITY, RFC 8092; malformed: §6. */
export const largeCommunities: AttributeRow<"largeCommunities"> = {
  code: AttributeCode.largeCommunities,
  name: "largeCommunities",
  title: "LARGE_COMMUNITY",
  category: "optional transitive",
  malformed: "treat-as-withdraw",
  decode: (value) => {
    if (value.length === 0 || value.length % communityOctets !== 0) {
      return wrongLength(value.length, `a multiple of ${communityOctets}`);
    }
    const communities = Array.from({ length: value.length / communityOctets }, (_, index) => {
      const at = index * communityOctets;
      return [readIpv4(value, at), readIpv4(value, at + 4), readIpv4(value, at + 8)] as const;
    });
    return withoutDuplicates(communities);
  },
  encode: (value, writer) => {
    for (const [global, local1, local2] of value) {
      writer.uint32(global).uint32(local1).uint32(local2);
    }
  },
  format: (value) => value.map(formatLargeCommunity).join(" "),
};
