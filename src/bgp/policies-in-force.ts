import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import { exportProfile, importPolicy } from "./session-policy.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

/**
 * Puts a peer's policies in force as its settings have them now: what it has sent is judged again, and it is told what
 * differs from what it was told. Its session goes on.
 */
export function putPoliciesInForce(
  peer: Peer,
  ribs: ReadonlyMap<number, FamilyRib>,
  config: SpeakerConfig,
): void {
  const { settings, lastNegotiated, negotiated } = peer;
  const policy = importPolicy(settings, lastNegotiated, config);
  if (policy.key !== peer.importPolicy.key) {
    peer.importPolicy = policy;
    for (const rib of ribs.values()) rib.refilter(peer.index, policy);
  }
  if (negotiated === undefined) return;
  peer.families = peer.families.map(({ key, group, member }) => {
    const rib = ribs.get(key) as FamilyRib; // a family in force has its RIB
    const profile = exportProfile(peer, negotiated, config, rib.family);
    return { key, group: rib.move(group, profile, member), member };
  });
}
