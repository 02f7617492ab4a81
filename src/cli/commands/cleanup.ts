import { cleanUp } from "../../felix/cleanup.ts";
import { nftProgram } from "../../felix/firewall/nft.ts";
import { NetlinkError } from "../../netlink/errno.ts";
import { openKernelNetlink } from "../../netlink/kernel-netlink.ts";

export interface CleanupCommandOptions {
  /** rtm_protocol of the routes to remove, 1..255; margay's default is 77. */
  readonly protocol: number;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
}

const OK = 0;
const FAILED = 1;

/**
 * `margay cleanup`: removes what a node has put into this kernel, saying each thing on stdout. Resolves to the exit
 * code: 0, or 1 when the kernel refused, which stderr tells.
 */
export async function cleanup(options: CleanupCommandOptions): Promise<number> {
  const { protocol, dryRun } = options;
  try {
    const netlink = openKernelNetlink();
    try {
      const result = await cleanUp({ netlink, protocol, dryRun, nft: nftProgram() });
      const verb = dryRun ? "would remove" : "removed";
      const devices = result.devices.map((device) => `link ${device}`);
      const { routes, nextHops, addresses, firewall } = result;
      for (const line of [...routes, ...nextHops, ...addresses, ...devices, ...firewall]) {
        process.stdout.write(`${verb} ${line}\n`);
      }
      for (const link of result.links) {
        process.stdout.write(`${dryRun ? "would set" : "set"} ${link}\n`);
      }
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
