import { type PrefixFilter, selectByPrefix } from "../api/prefix-filter.ts";
import type { FibEntryView } from "../api/views.ts";
import type { Felix } from "../felix/felix.ts";
import { protocolName } from "../felix/format.ts";
import type { SegmentVerdict } from "../felix/segment.ts";
import type { FibEntry } from "../felix/status.ts";

type WantedView = NonNullable<FibEntryView["wanted"]>;

/** The state as the API names it: what an earlier life left and this one wants counts as installed. */
function stateName(entry: FibEntry): string {
  if (entry.state === "adopted") return "installed";
  return entry.state === "pending" && entry.wanted?.text === undefined ? "unresolved" : entry.state;
}

function wantedView({ wanted, metric }: FibEntry): WantedView | undefined {
  if (wanted === undefined) return undefined;
  if (wanted.kind === "local") {
    return {
      type: "unreachable",
      metric,
      reason: "own-pod-cidr",
      reasonText: "our own pod CIDR: addresses that no pod has answer ICMP unreachable",
    };
  }
  const [hop] = wanted.nextHops;
  const tunnel = hop?.mode === "tunnel";
  return {
    type: "unicast",
    via: wanted.nextHops.map(({ address }) => address).join(","),
    dev: hop?.device ?? "",
    onlink: hop?.onlink ?? false,
    metric,
    tunnel,
    reason: hop === undefined ? "" : reasonName(hop.verdict, tunnel),
    reasonText: hop?.verdict.text ?? "",
    ...(wanted.mtu !== undefined && { mtu: wanted.mtu.octets, mtuText: wanted.mtu.text }),
  };
}

function reasonName(verdict: SegmentVerdict, tunnel: boolean): string {
  if (verdict.kind === "same-segment") {
    if (!tunnel) return "same-segment";
    if (verdict.isSilent === true) return "silent-neighbour";
    return verdict.isDeaf === true ? "told-silent" : "encapsulation-always";
  }
  return verdict.kind === "routed" ? "other-segment" : "unreachable-next-hop";
}

/** One entry of the FIB as the API shows it; `ownProtocol` is our protocol number. */
export function fibEntryView(entry: FibEntry, ownProtocol: number): FibEntryView {
  const { kernel, state } = entry;
  const wanted = wantedView(entry);
  return {
    prefix: entry.prefix.text,
    state: stateName(entry),
    ...(wanted !== undefined && { wanted }),
    kernel: kernel?.line ?? "",
    owner:
      state === "conflict" && kernel !== undefined
        ? protocolName(kernel.protocol, ownProtocol)
        : "",
    error: state === "conflict" ? "" : (entry.problem ?? ""),
    remedy: entry.remedy ?? "",
  };
}

/** The entries that a filter selects. */
export function* fibEntries(felix: Felix, filter: PrefixFilter): Generator<FibEntryView> {
  for (const entry of selectByPrefix(filter, felix.routes(), ({ prefix }) => prefix)) {
    yield fibEntryView(entry, felix.protocol);
  }
}
