import type { RibLimits } from "../bgp/rib/rib-limits.ts";
import type { SpeakerSettings } from "../config/speaker-settings.ts";

/** What the configuration says of how much the RIBs may hold. */
export function ribLimits({
  maximumLagMebibytes,
}: SpeakerSettings["slowPeers"]): Partial<RibLimits> {
  return { lagOctets: maximumLagMebibytes * 1024 * 1024 };
}
