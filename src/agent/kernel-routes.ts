import type { NodeConfig } from "../config/node-config.ts";
import type { IpVersion } from "../net/ip-address.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";

/**
 * The IP versions of which this kernel has routes to pods from an earlier life of ours. Only reads, which needs no privilege.
 * Rejects with `NetlinkError`.
 */
export async function ownRouteVersions({
  protocol,
  table,
}: Pick<NodeConfig["kernel"], "protocol" | "table">): Promise<ReadonlySet<IpVersion>> {
  const netlink = openKernelNetlink();
  try {
    const found = new Set<IpVersion>();
    for (const version of [4, 6] as const) {
      // oxlint-disable-next-line no-await-in-loop
      await netlink.dumpRoutes({ version, table, protocol }, ({ type }) => {
        if (type === "unicast") found.add(version);
      });
    }
    return found;
  } finally {
    netlink.close();
  }
}
