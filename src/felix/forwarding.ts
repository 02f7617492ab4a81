import type { Logger } from "../platform/logger.ts";
import type { Problem } from "./problem.ts";
import type { Sysctl } from "./sysctl.ts";

/** Whether this kernel forwards packets of an IP version, which a node with pods of it must. */
export interface ForwardingStatus {
  readonly enabled: boolean;
  /** It was off, and we switched it on. */
  readonly switchedOn: boolean;
  readonly problem: Problem | undefined;
}

/** Paths under /proc/sys of what switches forwarding on for all links. */
export const FORWARDING_KEYS = {
  4: "net/ipv4/ip_forward",
  6: "net/ipv6/conf/all/forwarding",
} as const;

const RP_FILTER_STRICT = 1;
const RP_FILTER_LOOSE = "2";

/**
 * Makes the reverse path filter loose on the tunnel where it is strict: when one node tunnels what the other sends
 * straight, as happens while they change over, a strict filter drops half of the traffic. The kernel uses the higher
 * value of `all` and the device. Resolves to whether it was to be done, and is. Never rejects.
 */
export async function loosenReversePathFilter(
  sysctl: Sysctl,
  device: string,
  logger: Logger,
): Promise<boolean> {
  const key = `net/ipv4/conf/${device}/rp_filter`;
  const all = Number((await sysctl.read("net/ipv4/conf/all/rp_filter")) ?? 0);
  const own = Number((await sysctl.read(key)) ?? 0);
  if (Math.max(all, own) !== RP_FILTER_STRICT) return false;
  try {
    await sysctl.write(key, RP_FILTER_LOOSE);
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn(
      { device, remedy: `sysctl -w net.ipv4.conf.${device}.rp_filter=2` },
      `the reverse path filter is strict and cannot be made loose: ${reason}`,
    );
    return false;
  }
}
