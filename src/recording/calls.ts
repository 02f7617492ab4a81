import { Peer } from "../bgp/peer.ts";
import type { Speaker } from "../bgp/speaker.ts";
import { textOf, valueOf } from "./settings-json.ts";

/**
 * The methods by which the world outside changes a speaker, but those with records of their own (`received`, `read` and
 * `distribute`). Arguments are values that settings-json.ts can write down, and peers.
 */
const speakerCalls = [
  "setRestarting",
  "recall",
  "setRanges",
  "addPeer",
  "removePeer",
  "updatePeer",
  "stop",
  "originate",
  "accepted",
  "confirmed",
  "connected",
  "connectionFailed",
  "drained",
  "timerExpired",
] as const;
const controlCalls = ["disable", "enable", "reset", "softIn", "softOut"] as const;
const deferralCalls = ["begin"] as const;

type Method = (...args: unknown[]) => unknown;

/** A method that is an input, and the object that has it. */
export interface CallTarget {
  readonly name: string;
  readonly owner: Record<string, Method>;
  readonly method: string;
}

/** Every such method of a speaker, each under the name that recordings have it by. */
export function callTargets(speaker: Speaker): ReadonlyMap<string, CallTarget> {
  const { control, endOfRibDeferral } = speaker;
  const targets = [
    ...speakerCalls.map((method) => target("speaker", speaker, method)),
    ...controlCalls.map((method) => target("control", control, method)),
    ...deferralCalls.map((method) => target("endOfRibDeferral", endOfRibDeferral, method)),
  ];
  return new Map(targets.map((one) => [one.name, one]));
}

function target<T extends object>(prefix: string, owner: T, method: keyof T & string): CallTarget {
  return { name: `${prefix}.${method}`, owner: owner as Record<string, Method>, method };
}

/** Functions are left out: what they answer is recorded by itself. */
export function callText(name: string, args: readonly unknown[]): string {
  const values = args.filter((value) => typeof value !== "function");
  while (values.length > 0 && values.at(-1) === undefined) values.pop();
  return textOf([
    name,
    ...values.map((value) => (value instanceof Peer ? { $peer: value.address } : value)),
  ]);
}

/** @returns the name and the arguments of a call @throws RangeError for a peer that is not there */
export function readCall(speaker: Speaker, text: string): [name: string, ...args: unknown[]] {
  const [name, ...values] = valueOf(text) as [string, ...unknown[]];
  return [name, ...values.map((value) => peerFor(speaker, value))];
}

function peerFor(speaker: Speaker, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$peer" in value)) return value;
  const peer = speaker.peer(String(value.$peer));
  if (peer === undefined) throw new RangeError(`there is no peer ${String(value.$peer)}`);
  return peer;
}
