import { AttributeCode, WellKnownCommunity } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { decodeUint32List } from "./uint32-value.ts";

const names: ReadonlyMap<number, string> = new Map([
  [WellKnownCommunity.gracefulShutdown, "graceful-shutdown"],
  [WellKnownCommunity.llgrStale, "llgr-stale"],
  [WellKnownCommunity.noLlgr, "no-llgr"],
  [WellKnownCommunity.blackhole, "blackhole"],
  [WellKnownCommunity.noExport, "no-export"],
  [WellKnownCommunity.noAdvertise, "no-advertise"],
  [WellKnownCommunity.noExportSubconfed, "no-export-subconfed"],
  [WellKnownCommunity.noPeer, "no-peer"],
]);

/** `65001:100`, or the name of a well-known one: `no-export`. */
export function formatCommunity(community: number): string {
  return names.get(community) ?? `${community >>> 16}:${community & 0xffff}`;
}

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
