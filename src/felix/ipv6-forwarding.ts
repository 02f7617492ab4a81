import type { Netlink } from "../netlink/netlink.ts";
import type { Logger } from "../platform/logger.ts";
import type { Problem } from "./problem.ts";
import type { Sysctl } from "./sysctl.ts";

/** rtm_protocol of routes that a router advertisement brought (RTPROT_RA). */
const ROUTER_ADVERTISEMENT = 9;
const ACCEPT_ADVERTISEMENTS = "1";
/** Value of accept_ra. */
export const ACCEPT_THOUGH_FORWARDING = "2";

export interface AdvertisementsContext {
  readonly sysctl: Sysctl;
  readonly netlink: Pick<Netlink, "dumpRoutes">;
  readonly deviceName: (ifindex: number) => string;
  readonly logger: Logger;
}

/**
 * Makes ready for IPv6 forwarding. A kernel that begins to forward drops the default routes that it has from router
 * advertisements, and takes no more, unless the device is told otherwise: those that it has such routes by are. Resolves
 * to what keeps one from being. Rejects with `NetlinkError` when the kernel cannot be read.
 */
export async function keepAdvertisements(
  context: AdvertisementsContext,
): Promise<Problem | undefined> {
  const { sysctl, logger } = context;
  for (const device of await devicesWithAdvertisements(context)) {
    const key = `net/ipv6/conf/${device}/accept_ra`;
    if ((await sysctl.read(key)) !== ACCEPT_ADVERTISEMENTS) continue;
    try {
      await sysctl.write(key, ACCEPT_THOUGH_FORWARDING);
      logger.info({ device }, "keeping router advertisements although we forward");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const text = `router advertisements on ${device} cannot be kept beside IPv6 forwarding: ${reason}`;
      const remedy = `sysctl -w net.ipv6.conf.${device}.accept_ra=2`;
      return { errno: undefined, text, remedy };
    }
  }
  return undefined;
}

async function devicesWithAdvertisements({
  netlink,
  deviceName,
}: AdvertisementsContext): Promise<ReadonlySet<string>> {
  const devices = new Set<string>();
  await netlink.dumpRoutes({ version: 6, protocol: ROUTER_ADVERTISEMENT }, ({ hops }) => {
    for (const { ifindex } of hops) devices.add(deviceName(ifindex));
  });
  return devices;
}
