import type { ExplanationView } from "../api/views.ts";
import type { FelixExplanation } from "../felix/explain.ts";
import type { FibEntry } from "../felix/status.ts";

type Step = NonNullable<ExplanationView["steps"]>[number];

/** The end of the story of one destination, as the programmer knows it: segment → kernel → firewall. */
export function explainKernel(felix: FelixExplanation): ExplanationView {
  const { address, entry, kernel, isOwn } = felix;
  const isWanted = entry !== undefined || isOwn;
  const steps = isWanted ? kernelSteps(felix, isOwn) : [unwantedStep(felix)];
  const broken = steps.find((step) => !step.ok);
  const ok = isWanted && broken === undefined;
  const verdict = !isWanted
    ? `margay has no route to ${address}.`
    : broken === undefined
      ? reachedVerdict(felix, isOwn)
      : `${address} is not reached as it should be: ${broken.title}.`;
  const prefix = entry?.prefix.text ?? (kernel.found && isOwn ? kernel.prefix.text : "");
  return { address, prefix, steps, ok, verdict };
}

/** What the kernel does with an address that no route is wanted for. */
export function unwantedStep({ kernel }: FelixExplanation): Step {
  const title = kernel.found
    ? `the kernel would use ${kernel.line}`
    : `the kernel has no way: ${kernel.text}`;
  return { stage: "kernel", ok: kernel.found, title, details: [] };
}

/** How an address is reached where all is well, in one sentence. */
export function reachedVerdict(
  { address, kernel, entry }: FelixExplanation,
  isOwn: boolean,
): string {
  if (isOwn) {
    if (!kernel.found) return `${address} is inside our own pod CIDR, and no pod has it.`;
    const what = kernel.isLocalPod ? "a pod of this node" : "inside our own pod CIDR";
    return `${address} is ${what}: ${kernel.line}.`;
  }
  const hop = entry?.wanted?.nextHops[0];
  const through = hop?.mode === "tunnel" ? "through the tunnel" : "straight";
  return `${address} is reached ${through} by ${hop?.address} on ${hop?.device}.`;
}

/** Segment, where the address is not our own, kernel, and firewall, where something is in the way of packets. */
export function kernelSteps(felix: FelixExplanation, isOwn: boolean): Step[] {
  const { entry, kernel, address, passage } = felix;
  const steps: Step[] = [];
  if (!isOwn) steps.push(segmentStep(entry));
  const problem = entry?.problem;
  const installed = entry === undefined ? isOwn : isInstalled(entry);
  // Our own pod CIDR ends in an `unreachable` route: that the kernel refuses an address no pod has is meant so.
  const isVacant = isOwn && installed && !kernel.found;
  steps.push({
    stage: "kernel",
    ok: installed && (kernel.found || isVacant),
    title: isVacant
      ? `no pod has ${address}: the kernel answers unreachable`
      : kernelTitle(kernel, address),
    details: problem === undefined ? [] : [problem],
    remedy: entry?.remedy ?? "",
  });
  if (passage !== undefined) {
    const { ok, text, remedy = "" } = passage;
    steps.push({ stage: "firewall", ok, title: text, details: [], remedy });
  }
  return steps;
}

function kernelTitle(kernel: FelixExplanation["kernel"], address: string): string {
  return kernel.found
    ? `the kernel uses ${kernel.line}`
    : `the kernel has no way to ${address}: ${kernel.text}`;
}

function isInstalled({ state }: FibEntry): boolean {
  return state === "installed" || state === "adopted";
}

function segmentStep(entry: FibEntry | undefined): Step {
  const hop = entry?.wanted?.kind === "remote" ? entry.wanted.nextHops[0] : undefined;
  if (hop === undefined) {
    return {
      stage: "segment",
      ok: false,
      title: "the programmer does not know the route",
      details: [],
    };
  }
  const mtu = entry?.wanted?.mtu;
  const title =
    hop.device === undefined
      ? `there is no way to ${hop.address}`
      : `${hop.address} is reached ${hop.mode === "tunnel" ? "through the tunnel" : "straight through"} ${hop.device}`;
  return {
    stage: "segment",
    ok: hop.device !== undefined && hop.problem === undefined,
    title,
    details: [
      hop.verdict.text,
      ...(mtu === undefined ? [] : [`packets of up to ${mtu.octets} octets: ${mtu.text}`]),
      ...(hop.problem === undefined ? [] : [hop.problem.text]),
    ],
    remedy: hop.problem?.remedy ?? "",
  };
}
