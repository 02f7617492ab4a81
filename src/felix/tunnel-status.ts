import type { KernelPicture } from "./kernel-picture.ts";
import type { TunnelStatus } from "./status.ts";
import type { Tunnel } from "./tunnel.ts";

/** A tunnel as people see it. */
export function tunnelStatus(
  tunnel: Tunnel,
  needed: boolean,
  picture: KernelPicture,
): TunnelStatus {
  const { device, kind } = tunnel.spec;
  const link = picture.linkNamed(device);
  return {
    device,
    kind,
    needed,
    up: link?.up ?? false,
    mtu: link?.mtu,
    addresses: picture.addresses
      .filter(({ ifindex, address }) => ifindex === link?.ifindex && !address.startsWith("fe80:"))
      .map(({ address }) => address),
    isSupported: tunnel.isSupported,
    problem: needed ? tunnel.problem : undefined,
  };
}
