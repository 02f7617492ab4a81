import type { KernelPicture } from "./kernel-picture.ts";
import type { TunnelKind } from "./tunnel-kind.ts";
import { tunnelRemains } from "./tunnel-remains.ts";

/** Kinds of tunnels of ours that are there: they take packets in, whether or not any policy has a use for them. */
export function standingTunnels(picture: KernelPicture, protocol: number): TunnelKind[] {
  const remains = tunnelRemains(picture, protocol, () => false);
  const ours = remains.filter(({ end, addresses }) => end !== "stay" || addresses.length > 0);
  return ours.map(({ link }) => (link.kind === "vxlan" ? "vxlan" : "ipip"));
}
