import type { Family } from "./family/family.ts";

/** The kernel kept forwarding over our restart: what there is of all families or none, or of these `familyKey`s. */
export type ForwardingPreserved = boolean | readonly number[];

/** What our OPENs say of our own restart, RFC 4724 §3. */
export interface RestartState {
  readonly restarted: boolean;
  readonly forwardingPreserved: ForwardingPreserved;
}

export function preservesForwarding(
  { forwardingPreserved }: RestartState,
  { key }: Pick<Family, "key">,
): boolean {
  if (typeof forwardingPreserved === "boolean") return forwardingPreserved;
  return forwardingPreserved.includes(key);
}
