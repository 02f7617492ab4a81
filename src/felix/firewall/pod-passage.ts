import { parsePrefix, prefixContainsAddress } from "../../net/prefix.ts";
import type { FirewallStatus } from "./status.ts";

/** Whether the firewall lets packets of a pod through, where that is not for granted. */
export interface PodPassage {
  readonly ok: boolean;
  readonly text: string;
  readonly remedy: string | undefined;
}

/** What becomes of packets from and to an address (4 or 16 octets); `undefined` where nothing is in their way. */
export function podPassage(status: FirewallStatus, address: Uint8Array): PodPassage | undefined {
  const holds = (pods: readonly string[]): boolean =>
    pods.some((text) => {
      const prefix = parsePrefix(text);
      return prefix !== undefined && prefixContainsAddress(prefix, address);
    });
  const obstacle = status.obstacles.find(({ isSure, pods }) => isSure && holds(pods));
  if (obstacle !== undefined) return { ok: false, text: obstacle.text, remedy: obstacle.remedy };
  const passage = status.passages.find(({ pods }) => holds(pods));
  if (passage === undefined) return undefined;
  const text = `rules of ours in ${passage.place} let packets of ${passage.pods.join(", ")} through`;
  return { ok: true, text, remedy: undefined };
}
