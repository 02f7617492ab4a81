/** RFC 9687 §6: "the greater of 8 minutes or 2 times the negotiated HoldTime". */
const leastSeconds = 8 * 60;

/**
 * The Send Hold Time of a session (RFC 9687): for so long the peer may take nothing of what is sent.
 * @param configured `undefined` for the RFC's suggestion
 * @returns 0 for none, as where nothing is held to time
 */
export function sendHoldSeconds(configured: number | undefined, holdTimeSeconds: number): number {
  if (holdTimeSeconds === 0) return 0;
  return configured ?? Math.max(leastSeconds, 2 * holdTimeSeconds);
}
