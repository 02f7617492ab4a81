import type { NodeConfig } from "../config/node-config.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";

/** Does this kernel have routes to pods from an earlier life of ours? Only reads, which needs no privilege. Rejects with `NetlinkError`. */
export async function hasOwnRoutes({
  protocol,
  table,
}: Pick<NodeConfig["kernel"], "protocol" | "table">): Promise<boolean> {
  const netlink = openKernelNetlink();
  try {
    let isFound = false;
    for (const version of [4, 6] as const) {
      // oxlint-disable-next-line no-await-in-loop
      await netlink.dumpRoutes({ version, table, protocol }, ({ type }) => {
        if (type === "unicast") isFound = true;
      });
    }
    return isFound;
  } finally {
    netlink.close();
  }
}
