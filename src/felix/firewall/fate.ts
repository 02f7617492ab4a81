import { type Prefix, prefixContains, prefixesOverlap } from "../../net/prefix.ts";
import type { AddressMatch, Chain, Rule, Table } from "./rules.ts";

/** Any packet from a pod to the outside, or from there to a pod, of which nothing else is known. */
export interface Packet {
  readonly direction: "from" | "to";
  /** Where the pod is. */
  readonly pods: Prefix;
}

/** What becomes of a packet, and by which rule. */
export interface Fate {
  readonly kind: "accept" | "drop" | "masquerade";
  /** The chain whose rule, or policy, decides. */
  readonly chain: string;
  /** The rule that does; `undefined` of a policy. */
  readonly rule: Rule | undefined;
  /** Which rule of the base chain it is, or leads there; after the last where it is the policy. */
  readonly index: number;
  /** The rule, or one that leads there, looks at addresses. */
  readonly isAimed: boolean;
  /** No rule before, which fits only some such packets, may let these through or end them otherwise. */
  readonly isSure: boolean;
}

/** Jumps deeper than any that the kernel takes. */
const DEPTH = 16;

/** What becomes of a packet in a base chain, if no rule that fits only some of its kind fits it. */
export function fateOf(table: Table, base: Chain, packet: Packet): Fate {
  const walk: Walk = { table, packet, isSure: true };
  for (const [index, rule] of base.rules.entries()) {
    const end = follow(walk, base.name, rule, 0);
    if (end === "return") break;
    if (end !== undefined) return { ...end, index, isSure: walk.isSure };
  }
  return {
    kind: base.base?.policy ?? "accept",
    ...{ chain: base.name, rule: undefined, index: base.rules.length, isAimed: false },
    isSure: walk.isSure,
  };
}

/** Does a rule fit every such packet? */
export function fits({ isConditional, addresses }: Rule, packet: Packet): boolean {
  return !isConditional && addresses.every((match) => matches(match, packet));
}

interface Walk {
  readonly table: Table;
  readonly packet: Packet;
  isSure: boolean;
}

type End = Omit<Fate, "index" | "isSure">;

function follow(walk: Walk, chain: string, rule: Rule, depth: number): End | "return" | undefined {
  const { verdict } = rule;
  if (!fits(rule, walk.packet)) {
    if (mayPass(rule, walk.packet)) walk.isSure = false;
    return undefined;
  }
  if (verdict === undefined || verdict.kind === "unknown") return undefined;
  const isAimed = rule.addresses.length > 0;
  if (verdict.kind === "return") return "return";
  if (verdict.kind !== "jump" && verdict.kind !== "goto") {
    return { kind: verdict.kind, chain, rule, isAimed };
  }
  if (depth === DEPTH) return undefined;
  for (const inner of walk.table.chains.get(verdict.target)?.rules ?? []) {
    const end = follow(walk, verdict.target, inner, depth + 1);
    if (end === "return") break;
    if (end !== undefined) return { ...end, isAimed: isAimed || end.isAimed };
  }
  return verdict.kind === "goto" ? "return" : undefined;
}

/** May a rule that does not fit every such packet let the first one of a connection through? */
function mayPass({ fitsNoNew, addresses, verdict }: Rule, packet: Packet): boolean {
  if (fitsNoNew || verdict === undefined || verdict.kind === "drop") return false;
  return addresses.every((match) => mayMatch(match, packet));
}

function matches(match: AddressMatch, packet: Packet): boolean {
  const { prefixes, isNegated } = match;
  const { pods } = packet;
  if (prefixes.some(({ version }) => version !== pods.version)) return false;
  if (isPodsEnd(match, packet)) {
    return isNegated
      ? !prefixes.some((prefix) => prefixesOverlap(prefix, pods))
      : prefixes.some((prefix) => prefixContains(prefix, pods));
  }
  // Of the other end it is known only that it is outside, and that outside is not in any one prefix.
  const isAll = prefixes.some(({ length }) => length === 0);
  return isNegated ? !isAll : isAll;
}

function mayMatch(match: AddressMatch, packet: Packet): boolean {
  const { prefixes, isNegated } = match;
  const { pods } = packet;
  if (prefixes.every(({ version }) => version !== pods.version)) return false;
  if (!isPodsEnd(match, packet)) return true;
  return isNegated
    ? !prefixes.some((prefix) => prefixContains(prefix, pods))
    : prefixes.some((prefix) => prefixesOverlap(prefix, pods));
}

function isPodsEnd({ field }: AddressMatch, { direction }: Packet): boolean {
  return (field === "source") === (direction === "from");
}
