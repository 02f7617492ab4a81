import { canonical, tableText } from "../../../src/felix/firewall/table.ts";
import { firewallWish } from "../../../src/felix/firewall/wish.ts";
import { type TunnelKind, tunnelMac } from "../../../src/felix/tunnel-kind.ts";
import { prefix } from "../../support/felix-harness.ts";
import type { PlainFirewall } from "./felix-process.ts";

/** The tunnels' guard, and nothing else of the firewall. */
const settings = { masquerade: "never", guard: "auto", forward: "never" } as const;
export const GUARD: PlainFirewall = {
  settings,
  podPools: ["10.233.0.0/16"],
  natOutgoing: [],
  nodes: [],
};

/** A tunnel's device, and what it is to have. */
export interface TunnelDevice {
  readonly name: string;
  readonly mtu: number;
  readonly address: string;
}

/** What the routes need around them. */
export interface SurroundingsNeed {
  /** Addresses of nodes that routes lead to through the VXLAN device. */
  readonly vxlanPeers: readonly string[];
  /** The kind of tunnel that the policy chooses, if any. */
  readonly tunnel: TunnelKind | undefined;
  /** The device of the tunnel that routes lead through, if any do. */
  readonly device: TunnelDevice | undefined;
  /** Addresses of all nodes. */
  readonly nodes: readonly string[];
  /** Links that routes lead through, and so packets come in by. */
  readonly links: readonly string[];
}

/** What there is to be besides routes, a line each. */
export function expectedSurroundings(need: SurroundingsNeed): string[] {
  const { vxlanPeers, tunnel, device, nodes, links } = need;
  const wish = firewallWish({
    ...{ settings, podPools: GUARD.podPools.map(prefix), pools: [] },
    tunnels: tunnel === undefined ? [] : [tunnel],
  });
  return [
    ...vxlanPeers.flatMap((address) => [
      `neighbour ${address} ${tunnelMac(address)}`,
      `entry ${tunnelMac(address)} ${address}`,
    ]),
    ...(device === undefined ? [] : [deviceLine(device)]),
    `guard ${canonical(tableText(wish, nodes) ?? "")}`,
    ...["all", ...links].map((link) => `forwarding ${link} 1`),
  ];
}

/** The same of the kernel. `run`: what a command says on the node; `""` where it fails. */
export async function foundSurroundings(
  { device, links }: SurroundingsNeed,
  run: (...words: string[]) => Promise<string>,
): Promise<string[]> {
  const vxlan = "vxlan.margay";
  const neighbours = await run("ip", "-4", "neigh", "show", "nud", "permanent", "dev", vxlan);
  const entries = await run("bridge", "fdb", "show", "dev", vxlan);
  const table = await run("nft", "-s", "-p", "list", "table", "inet", "margay");
  const forwarding = ["all", ...links].map(async (link) => {
    const value = await run("cat", `/proc/sys/net/ipv4/conf/${link}/forwarding`);
    return `forwarding ${link} ${value.trim()}`;
  });
  return [
    ...[...neighbours.matchAll(/^(\S+) lladdr (\S+)/gm)].map(
      (one) => `neighbour ${one[1]} ${one[2]}`,
    ),
    ...[...entries.matchAll(/^(\S+) dst (\S+)/gm)].map((one) => `entry ${one[1]} ${one[2]}`),
    ...(device === undefined ? [] : [await foundDevice(device, run)]),
    `guard ${canonical(table)}`,
    ...(await Promise.all(forwarding)),
  ];
}

function deviceLine({ name, mtu, address }: TunnelDevice): string {
  return `device ${name} up, mtu ${mtu}, ${address}/32`;
}

async function foundDevice(
  { name }: TunnelDevice,
  run: (...words: string[]) => Promise<string>,
): Promise<string> {
  const shown = await run("ip", "-4", "addr", "show", "dev", name);
  const state = /<[^>]*\bUP\b/.test(shown) ? "up" : "down";
  const addresses = [...shown.matchAll(/\binet (\S+)/g)].map(([, address]) => address);
  return `device ${name} ${state}, mtu ${/\bmtu (\d+)/.exec(shown)?.[1]}, ${addresses.join(" ")}`;
}
