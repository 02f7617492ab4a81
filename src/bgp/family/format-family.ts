import { familyByKey } from "./index.ts";
import { familyKey } from "../message/codec-context.ts";

/** `ipv4-unicast`, or `25/65` for a family without a row. */
export function formatFamily(afi: number, safi: number): string {
  return familyByKey(familyKey(afi, safi))?.name ?? `${afi}/${safi}`;
}
