import type { PeerRange } from "../bgp/dynamic-peers.ts";
import type { PeerSettings } from "../bgp/peer-settings.ts";
import type { Speaker } from "../bgp/speaker.ts";

/** Makes a speaker keep just these peers, and accept those of these ranges. Sessions of what stays as it was go on. */
export function applyPeers(
  speaker: Speaker,
  peers: readonly PeerSettings[],
  ranges: readonly PeerRange[],
): void {
  const wanted = new Map(peers.map((settings) => [settings.address, settings]));
  for (const { address, isDynamic } of [...speaker.peers()]) {
    // Who is named now is no longer one of a range, and is what its own settings say.
    if (isDynamic === wanted.has(address)) speaker.removePeer(address);
  }
  for (const settings of peers) {
    if (speaker.peer(settings.address) === undefined) speaker.addPeer(settings);
    else speaker.updatePeer(settings);
  }
  speaker.setRanges(ranges);
}
