import type { DeferralOptions } from "../bgp/end-of-rib-deferral.ts";

/**
 * The wait for End-of-RIB within a maximum. Of those who are not there yet it knows nothing: it takes a third of the
 * maximum without anybody coming for a sign that nobody will, which is two attempts of a peer that dials every five seconds
 * where the maximum is 30.
 */
export function deferralWithin(maximumSeconds: number, newcomers: boolean): DeferralOptions {
  return { maximumSeconds, quietSeconds: maximumSeconds / 3, newcomers };
}
