import { cleanUp } from "../../felix/cleanup.ts";
import { nftProgram } from "../../felix/firewall/nft.ts";
import { RT_PROTOS_DIRECTORY } from "../../felix/protocol-name.ts";
import { procSysctl } from "../../felix/sysctl.ts";
import { NetlinkError } from "../../netlink/errno.ts";
import { openKernelNetlink } from "../../netlink/kernel-netlink.ts";

export interface CleanupCommandOptions {
  /** rtm_protocol of the routes to remove, 1..255; margay's default is 77. */
  readonly protocol: number;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
  /** Where iproute2 looks for protocol names; by default /etc/iproute2/rt_protos.d. */
  readonly rtProtosDirectory?: string;
}

const OK = 0;
const FAILED = 1;

/**
 * `margay cleanup`: removes what a node has put into this kernel, saying each thing on stdout, and what stays. Resolves to
 * the exit code: 0, or 1 when the kernel refused, which stderr tells.
 */
export async function cleanup(options: CleanupCommandOptions): Promise<number> {
  const { protocol, dryRun, rtProtosDirectory = RT_PROTOS_DIRECTORY } = options;
  try {
    const netlink = openKernelNetlink();
    try {
      const surroundings = { netlink, nft: nftProgram(), sysctl: procSysctl };
      const result = await cleanUp({ ...surroundings, protocol, dryRun, rtProtosDirectory });
      const verb = dryRun ? "would remove" : "removed";
      const devices = result.devices.map((device) => `link ${device}`);
      const { routes, nextHops, addresses, firewall, files } = result;
      for (const line of [routes, nextHops, addresses, devices, firewall, files].flat()) {
        process.stdout.write(`${verb} ${line}\n`);
      }
      for (const link of result.links) {
        process.stdout.write(`${dryRun ? "would set" : "set"} ${link}\n`);
      }
      for (const line of result.left) process.stdout.write(`left ${line}\n`);
      for (const failure of result.failures) process.stderr.write(`not removed: ${failure}\n`);
      return result.failures.length === 0 ? OK : FAILED;
    } finally {
      netlink.close();
    }
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    process.stderr.write(`${error.message}: run margay as root or with CAP_NET_ADMIN\n`);
    return FAILED;
  }
}
