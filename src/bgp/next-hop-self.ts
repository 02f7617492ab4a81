import type { Family } from "./family/family.ts";
import type { PeerSettings } from "./peer-settings.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

/** Our end of a connection. All addresses are canonical and without a zone. */
export interface LocalEnd {
  /** Its own address under its IP version; under the other one an address of the network device that it is on. */
  readonly 4?: string | undefined;
  readonly 6?: string | undefined;
}

/**
 * The address that stands for us as next hop of a family's routes: what the peer's settings say, else the speaker's own
 * address of the family's IP version, else what the connection's end has. Empty where there is none.
 */
export function nextHopSelf(
  { version }: Family,
  settings: Pick<PeerSettings, "nextHopIpv4" | "nextHopIpv6">,
  config: Pick<SpeakerConfig, "nextHopSelf">,
  localEnd: LocalEnd,
): string {
  const named = version === 4 ? settings.nextHopIpv4 : settings.nextHopIpv6;
  return named ?? config.nextHopSelf[version] ?? localEnd[version] ?? "";
}
