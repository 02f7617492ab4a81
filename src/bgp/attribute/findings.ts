import type { CodecContext } from "../message/codec-context.ts";
import type { AttributeError } from "../message/message.ts";
import type { AttributeValues } from "./attribute-row.ts";
import type { UnknownAttribute } from "./path-attributes.ts";
import type { RawAttribute } from "./walk-attributes.ts";

/** What a walk over the block gathers. */
export interface Findings {
  readonly octets: Uint8Array;
  readonly context: CodecContext;
  readonly announces: boolean;
  readonly values: AttributeValues;
  readonly unknown: UnknownAttribute[];
  readonly partial: number[];
  readonly seen: Set<number>;
  readonly errors: AttributeError[];
}

/** Adds an error, with the octets of the attribute where there is one. */
export function addError(
  findings: Findings,
  error: Omit<AttributeError, "data">,
  raw?: Pick<RawAttribute, "start" | "end">,
): void {
  const data = raw === undefined ? new Uint8Array(0) : findings.octets.slice(raw.start, raw.end);
  findings.errors.push({ ...error, data });
}
