import { CapabilityCode } from "../iana.ts";
import { bareCapability } from "./capability-row.ts";

/** Route Refresh, RFC 2918 §2. */
export const routeRefresh = bareCapability(CapabilityCode.routeRefresh, { name: "routeRefresh" });
