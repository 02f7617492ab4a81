import { findOverlaps } from "../net/prefix-order.ts";
import { overlapMessage } from "./cluster-checks.ts";
import type { Draft } from "./draft.ts";
import type { NodeFile } from "./node-schema.ts";
import type { PasswordFiles } from "./password-files.ts";
import { checkPeers } from "./peer-checks.ts";
import type { Report } from "./report.ts";
import { checkOptions, checkPasswordFile } from "./transport-checks.ts";

export type NodeDraft = Draft<NodeFile>;

/** What must hold between the values of the node's file, whatever the cluster is. */
export function checkNode(config: NodeDraft, report: Report, passwords: PasswordFiles): void {
  checkTimers(config.timers, report);
  checkProtocol(config.kernel.protocol, report);
  checkConflictMetric(config.kernel, report);
  checkMetrics(config, report);
  checkOwnPodCidrs(config, report);
  checkPeers(config, report, passwords);
  checkOptions(config.mesh, ["mesh"], report);
  checkPasswordFile(config.mesh.passwordFile, ["mesh"], report, passwords);
}

function checkTimers(timers: NodeDraft["timers"], report: Report): void {
  checkSessionTimers(timers, report);
  const { connectRetrySeconds, endOfRibWaitSeconds } = timers;
  if (
    connectRetrySeconds !== undefined &&
    endOfRibWaitSeconds !== undefined &&
    connectRetrySeconds > endOfRibWaitSeconds
  ) {
    report.warn(
      ["timers", "endOfRibWaitSeconds"],
      `after ${endOfRibWaitSeconds} s routes found in the kernel are removed, before peers are dialled a second time: give more than connectRetrySeconds, ${connectRetrySeconds}`,
    );
  }
}

/** What must hold between the timers of sessions. */
export function checkSessionTimers(
  timers: Omit<NodeDraft["timers"], "endOfRibWaitSeconds">,
  report: Report,
): void {
  const { idleHoldSeconds, idleHoldMaximumSeconds } = timers;
  if (
    idleHoldSeconds !== undefined &&
    idleHoldMaximumSeconds !== undefined &&
    idleHoldMaximumSeconds < idleHoldSeconds
  ) {
    report.error(
      ["timers", "idleHoldMaximumSeconds"],
      `${idleHoldMaximumSeconds} is less than idleHoldSeconds, ${idleHoldSeconds}, which it bounds: give at least ${idleHoldSeconds}`,
    );
  }
  if (timers.holdTimeSeconds === 0) {
    report.warn(
      ["timers", "holdTimeSeconds"],
      "with 0 a peer that died silently is never noticed: give 3 or more",
    );
  }
}

/** Who else writes routes, by their number (rt_protos of iproute2, and the sources of the named). */
const protocolOwners: Readonly<Record<number, string>> = {
  8: "gated",
  9: "the kernel's router advertisements",
  11: "zebra",
  12: "BIRD",
  13: "DECnet",
  14: "XORP",
  16: "DHCP clients",
  17: "kube-router",
  18: "keepalived",
  30: "coil",
  31: "coil",
  42: "babeld",
  80: "Calico",
  99: "Open/R",
  186: "BGP of FRR",
  187: "IS-IS of FRR",
  188: "OSPF of FRR",
  189: "RIP of FRR",
  192: "EIGRP of FRR",
};

function checkProtocol(protocol: number | undefined, report: Report): void {
  const owner = protocol === undefined ? undefined : protocolOwners[protocol];
  if (owner === undefined) return;
  report.warn(
    ["kernel", "protocol"],
    `protocol ${protocol} is used by ${owner}, whose routes would be taken for ours and removed: give a number of our own, such as 77`,
  );
}

/** The metric that the kernel gives IPv6 routes without one. */
const IPV6_METRIC = 1024;

function checkConflictMetric(kernel: NodeDraft["kernel"], report: Report): void {
  const { conflicts, metric, conflictMetric } = kernel;
  if (conflicts !== "own-metric" || conflictMetric === undefined) return;
  const isOfIpv6 = metric === 0 && conflictMetric === IPV6_METRIC;
  if (conflictMetric !== metric && !isOfIpv6) return;
  report.error(
    ["kernel", "conflictMetric"],
    `${conflictMetric} is the metric of all our ${isOfIpv6 ? "IPv6 " : ""}routes: give another, such as 2048`,
  );
}

/** Both processes of a node may serve metrics, and read the same file. */
function checkMetrics({ metrics: { listen }, felix }: NodeDraft, report: Report): void {
  const own = felix.metrics.listen;
  if (own === undefined || own.port !== listen?.port || own.address !== listen.address) return;
  const place = report.at(["metrics", "listen"]);
  report.error(
    ["felix", "metrics", "listen"],
    `the speaker's metrics are there, too, at ${place}: give another port`,
  );
}

function checkOwnPodCidrs(config: NodeDraft, report: Report): void {
  if (config.node.podCidrsInterface !== undefined && config.node.podCidrs.length > 0) {
    const place = report.at(["node", "podCidrs"]);
    report.error(
      ["node", "podCidrsInterface"],
      `podCidrs are given, too, at ${place}: leave one of the two out`,
    );
  }
  const entries = config.node.podCidrs.flatMap((prefix, order) =>
    prefix === undefined ? [] : [{ prefix, order, member: -1, owner: "this node" }],
  );
  for (const { outer, inner } of findOverlaps(entries)) {
    const [first, second] = outer.order < inner.order ? [outer, inner] : [inner, outer];
    const place = report.at(["node", "podCidrs", first.order]);
    report.error(["node", "podCidrs", second.order], overlapMessage(second, first, place));
  }
}
