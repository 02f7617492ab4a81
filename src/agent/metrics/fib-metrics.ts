import type { FelixStatus } from "../../felix/status.ts";
import type { DaemonSources } from "../status-view.ts";
import { type Metric, single } from "./metric.ts";

/** The programmer; all of them left out where nothing is programmed. */
export const fibMetrics: readonly Metric<DaemonSources>[] = [
  {
    name: "margay_fib_routes",
    help: "Routes by how they stand in the kernel",
    type: "gauge",
    *samples({ felix }) {
      for (const [state, value] of Object.entries(felix?.status().counts ?? {})) {
        yield { labels: { state }, value };
      }
    },
  },
  figure(
    "counter",
    "repairs_total",
    "What others deleted, changed or switched off, put right",
    (fib) => {
      return fib.repairs;
    },
  ),
  figure(
    "gauge",
    "frozen_removals",
    "Routes kept because too many were to go at once",
    (fib) => fib.frozenRemovals,
  ),
  figure("counter", "event_overflows_total", "Times that events of the kernel were lost", (fib) => {
    return fib.overflows;
  }),
  figure("gauge", "complete", "Whether what nobody wants has been swept since the start", (fib) => {
    return Number(fib.pictureComplete);
  }),
  figure(
    "gauge",
    "last_resync_timestamp_seconds",
    "When the kernel's routes were last read as a whole, in seconds since 1970",
    ({ lastResync }) => (lastResync === undefined ? undefined : lastResync.wallMs / 1000),
  ),
  figure("gauge", "last_resync_duration_seconds", "How long that took", ({ lastResync }) =>
    lastResync === undefined ? undefined : lastResync.durationMs / 1000,
  ),
  figure(
    "gauge",
    "ip_forward",
    "Whether the kernel forwards packets, of IPv6, too, where pods have it",
    ({ forwarding, ipv6Forwarding }) =>
      Number(forwarding.enabled && ipv6Forwarding?.enabled !== false),
  ),
  figure(
    "gauge",
    "tunnel_missing",
    "Whether a next hop needs the tunnel and there is none",
    ({ tunnels }) => Number(tunnels.some(({ problem }) => problem !== undefined)),
  ),
  figure(
    "gauge",
    "firewall_problem",
    "Whether something of the firewall is not as it shall be",
    ({ firewall }) => (firewall === undefined ? undefined : Number(firewall.problems.length > 0)),
  ),
  figure(
    "gauge",
    "firewall_obstacles",
    "Chains of other programs that drop packets of pods",
    ({ firewall }) => firewall?.obstacles.filter(({ isSure }) => isSure).length,
  ),
  figure(
    "counter",
    "firewall_repairs_total",
    "Times that others changed our part of the firewall, and it was put back",
    ({ firewall }) => firewall?.repairs,
  ),
  {
    name: "margay_fib_path_mtu_bytes",
    help: "What gets to a next hop, where that is less than the interface towards it sends",
    type: "gauge",
    *samples({ felix }) {
      for (const { nextHop, octets } of felix?.status().mtu.paths ?? []) {
        yield { labels: { next_hop: nextHop }, value: octets };
      }
    },
  },
  figure(
    "gauge",
    "route_mtu_bytes",
    "The largest packet that every route in use takes",
    ({ mtu }) => mtu.smallest?.octets,
  ),
  figure(
    "gauge",
    "pod_interfaces_above_route_mtu",
    "Interfaces of pods that send larger packets than that",
    ({ mtu }) => mtu.podInterfaces.length,
  ),
];

function figure(
  type: "gauge" | "counter",
  suffix: string,
  help: string,
  value: (status: FelixStatus) => number | undefined,
): Metric<DaemonSources> {
  return single(type, `margay_fib_${suffix}`, help, ({ felix }) =>
    felix === undefined ? undefined : value(felix.status()),
  );
}
