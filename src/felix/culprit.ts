import { readFileSync } from "node:fs";
import type { Culprit } from "../fib/trouble.ts";
import { protocolName } from "./format.ts";

/** `protocol 12 (bird), port ID 4711 (birdd)`: who did it, in words. */
export function culpritText(culprit: Culprit, ownProtocol: number): string {
  const { protocol, portId } = culprit;
  const name = protocolName(protocol, ownProtocol);
  if (portId === 0) return `protocol ${name}, by the kernel itself`;
  return `protocol ${name}, ${portText(portId)}`;
}

/** `port ID 4711 (ip)` */
export function portText(portId: number): string {
  const process = processName(portId);
  return `port ID ${portId}${process === undefined ? "" : ` (${process})`}`;
}

/** A process's first netlink socket has its id for a port; one that has ended has no name any more. */
export function processName(portId: number): string | undefined {
  try {
    return readFileSync(`/proc/${portId}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}
