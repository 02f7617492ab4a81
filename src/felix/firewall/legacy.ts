import { readFileSync } from "node:fs";
import type { Prefix } from "../../net/prefix.ts";
import type { Problem } from "../problem.ts";
import { type Obstacle, iptablesCommands } from "./obstacle.ts";

/** Names of the tables that iptables-legacy has in this network namespace: `filter`, `nat`. */
export type LegacyTables = () => readonly string[];

const FILES = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"];
const SWITCH = "update-alternatives --set iptables /usr/sbin/iptables-nft, and a restart";

/** As the kernel tells. */
export const legacyTables: LegacyTables = () => {
  const names = FILES.flatMap((file) => {
    try {
      return readFileSync(file, "utf8").split("\n");
    } catch {
      // The kernel has no such tables, or does not tell.
      return [];
    }
  });
  return [...new Set(names)].filter((name) => name !== "").sort();
};

/** What a host without nftables is told, that has rules of iptables-legacy. */
export function legacyOnly(
  said: string,
  tables: readonly string[],
  pods: readonly Prefix[],
): Problem {
  return {
    errno: undefined,
    text: `this host has iptables-legacy alone (tables ${tables.join(", ")}), which margay does not write: ${said}`,
    remedy:
      `modprobe nf_tables, then ${SWITCH}; or \`guard\` and \`masquerade\` of \`firewall\` set to \`never\`` +
      `, and by hand: ${iptablesCommands("iptables-legacy", pods)}`,
  };
}

/** What a host is told that has both: rules that nft(8) does not show may drop packets, too. */
export function legacyBeside(
  tables: readonly string[],
  pods: readonly Prefix[],
): Obstacle | undefined {
  if (!tables.includes("filter")) return undefined;
  return {
    text: "iptables-legacy has the table filter here, which margay does not read: its FORWARD may drop packets of pods",
    remedy: `${SWITCH}; or, if it does: ${iptablesCommands("iptables-legacy", pods)}`,
    ...{ isSure: false, pods: [] },
  };
}
