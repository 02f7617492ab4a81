import { familyByKey } from "../family/index.ts";
import { familyKey } from "../message/codec-context.ts";
import { decodeRouteRefresh } from "../message/route-refresh.ts";

/** ROUTE-REFRESH, RFC 2918 and RFC 7313; without properties where it is malformed. */
export interface DescribedRouteRefresh {
  readonly type: "route-refresh";
  readonly afi?: number;
  readonly safi?: number;
  /** `ipv4-unicast`, where the family has a decoder. */
  readonly family?: string;
  readonly subtype?: number;
  readonly subtypeName?: string;
}

const subtypeNames: readonly string[] = ["request", "beginning-of-rib", "end-of-rib"];

/** @throws BgpError */
export function describeRouteRefresh(body: Uint8Array): DescribedRouteRefresh {
  const { afi, safi, subtype } = decodeRouteRefresh(body);
  const family = familyByKey(familyKey(afi, safi))?.name;
  const subtypeName = subtypeNames[subtype];
  return {
    type: "route-refresh",
    afi,
    safi,
    ...(family !== undefined && { family }),
    subtype,
    ...(subtypeName !== undefined && { subtypeName }),
  };
}
