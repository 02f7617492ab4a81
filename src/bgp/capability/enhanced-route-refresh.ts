import { CapabilityCode } from "../iana.ts";
import { bareCapability } from "./capability-row.ts";

/** Enhanced Route Refresh, RFC 7313 §3.1. */
export const enhancedRouteRefresh = bareCapability(CapabilityCode.enhancedRouteRefresh, {
  name: "enhancedRouteRefresh",
});
