import type { Fib } from "../fib/fib.ts";
import type { PathContent } from "../fib/path.ts";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress, prefixFromOctets } from "../net/prefix.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { type EntryContext, entryOf, throughObject } from "./entry.ts";
import { type PodPassage, podPassage } from "./firewall/pod-passage.ts";
import type { FirewallStatus } from "./firewall/status.ts";
import { pathText, protocolName, routeLine } from "./format.ts";
import type { RouteOwner } from "./owner.ts";
import type { FibEntry } from "./status.ts";

/** The kernel's own answer for an address. */
export type KernelAnswer =
  | {
      readonly found: true;
      readonly prefix: Prefix;
      /** `via 192.168.1.3 dev eth0`. */
      readonly text: string;
      /** `10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay`, as `ip route` shows it. */
      readonly line: string;
      readonly protocol: number;
      readonly protocolName: string;
      readonly metric: number;
      /** It leads to a pod of this node, straight over the pod's own link or a bridge. */
      readonly isLocalPod: boolean;
    }
  | { readonly found: false; readonly errno: number; readonly text: string };

/** Where packets to an address go, and why. */
export interface FelixExplanation {
  /** Canonical. */
  readonly address: string;
  /** It is inside the pod pools. */
  readonly inPodPools: boolean;
  /** It is inside this node's own pod CIDRs. */
  readonly isOwn: boolean;
  /** The longest wanted route that holds it. */
  readonly entry: FibEntry | undefined;
  /** What the kernel says, local pod routes included. */
  readonly kernel: KernelAnswer;
  /** What the firewall does with its packets; `undefined` where nothing is in their way, or it is no pod's. */
  readonly passage: PodPassage | undefined;
  /** The steps in words, one each. */
  readonly lines: readonly string[];
}

export interface ExplainContext extends EntryContext {
  readonly fib: Fib<RouteOwner>;
  readonly netlink: Netlink;
  readonly metrics: readonly number[];
  readonly podPools: readonly Prefix[];
  /** This node's own. */
  readonly podCidrs: readonly Prefix[];
  /** `undefined` where the firewall is nobody's business. */
  readonly firewall: FirewallStatus | undefined;
}

/** Explains an address. Throws `TypeError` when the text is none. */
export function explainAddress(text: string, context: ExplainContext): FelixExplanation {
  const octets = parseIpAddress(text);
  if (octets === undefined) throw new TypeError(`not an IP address: ${text}`);
  const address = formatIpAddress(octets);
  const entry = longestWanted(octets, context);
  const kernel = kernelAnswer(octets, context);
  const inPodPools = context.podPools.some((pool) => prefixContainsAddress(pool, octets));
  const isOwn = context.podCidrs.some((prefix) => prefixContainsAddress(prefix, octets));
  const { firewall } = context;
  const passage = inPodPools && firewall !== undefined ? podPassage(firewall, octets) : undefined;
  const lines = wordsFor(address, entry, kernel);
  if (passage !== undefined) lines.push(passage.text);
  return { address, inPodPools, isOwn, entry, kernel, passage, lines };
}

function longestWanted(octets: Uint8Array, context: ExplainContext): FibEntry | undefined {
  for (let length = octets.length * 8; length >= 0; length--) {
    const prefix = prefixFromOctets(octets, length);
    for (const metric of context.metrics) {
      const row = context.fib.row(prefix, metric);
      if (row?.want !== undefined) return entryOf(row, context);
    }
  }
  return undefined;
}

function kernelAnswer(octets: Uint8Array, context: ExplainContext): KernelAnswer {
  const answer = context.netlink.lookup(formatIpAddress(octets));
  if (!answer.found) return answer;
  const { prefix, protocol, metric } = answer.route;
  // With net.ipv4.nexthop_compat_mode off the kernel names the object alone.
  const path = answer.route.hops.length === 0 ? throughObject(answer.route, context) : answer.route;
  const name = protocolName(protocol, context.protocol);
  return {
    found: true,
    prefix,
    text: pathText(path, context.deviceName, prefix.version),
    protocol,
    protocolName: name,
    line: routeLine(prefix.text, path, name, metric, context.deviceName),
    metric,
    isLocalPod: isLocalPod(octets, path, context),
  };
}

/** Such routes are other programs' (the CNI plugin's): they are looked at, never touched. */
function isLocalPod(
  octets: Uint8Array,
  { type, hops }: PathContent,
  { podCidrs }: ExplainContext,
): boolean {
  if (type !== "unicast" || hops.some(({ gateway }) => gateway !== undefined)) return false;
  return podCidrs.some((prefix) => prefixContainsAddress(prefix, octets));
}

function wordsFor(address: string, entry: FibEntry | undefined, kernel: KernelAnswer): string[] {
  const lines: string[] = [];
  if (entry === undefined) lines.push(`no route is wanted for ${address}`);
  else {
    const { wanted, prefix, state, problem, remedy } = entry;
    lines.push(
      `${prefix.text} is wanted ${wanted?.text ?? "without a way to its next hop"}: ${state}`,
    );
    if (wanted?.mtu !== undefined) lines.push(`MTU ${wanted.mtu.octets}: ${wanted.mtu.text}`);
    for (const { address: nextHop, verdict, mode } of wanted?.nextHops ?? []) {
      lines.push(`next hop ${nextHop}: ${verdict.text}${mode === undefined ? "" : `: ${mode}`}`);
    }
    if (problem !== undefined) lines.push(problem);
    if (remedy !== undefined) lines.push(`remedy: ${remedy}`);
  }
  if (kernel.found) {
    lines.push(`the kernel uses ${kernel.line}${kernel.isLocalPod ? ": a pod of this node" : ""}`);
  } else lines.push(`the kernel has no way: ${kernel.text}`);
  return lines;
}
