import assert from "node:assert/strict";
import type { Margay } from "../../support/margay.ts";

/**
 * For scenarios in which a session that flaps would hide a fault: what comes over the next one may not have come over the first.
 * @returns to be called at the end: it fails if the session that is up now is no longer, or another one is
 */
export async function watchSession(margay: Margay, address: string): Promise<() => Promise<void>> {
  const before = await margay.peer(address);
  assert.equal(before?.state, "Established", `the session with ${address}`);
  return async () => {
    const after = await margay.peer(address);
    assert.equal(after?.state, "Established", `the session with ${address}`);
    const of = ({ flaps, localEndpoint, remoteEndpoint }: typeof before): string =>
      `${localEndpoint} to ${remoteEndpoint} after ${flaps} that were lost`;
    assert.equal(of(after), of(before), after.lastDown?.text);
  };
}
