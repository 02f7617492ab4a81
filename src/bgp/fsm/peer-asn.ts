/** Which AS numbers a peer may have: one, any of a list, or by what it is to ours. 0 never is one (RFC 7607). */
export type PeerAsn = number | readonly number[] | "external" | "internal" | "any";

/** May a peer of which this is expected be in AS `asn`? */
export function admitsAsn(expected: PeerAsn, localAsn: number, asn: number): boolean {
  if (asn === 0) return false;
  if (typeof expected === "number") return asn === expected;
  if (typeof expected !== "string") return expected.includes(asn);
  if (expected === "any") return true;
  return (asn === localAsn) === (expected === "internal");
}

/** For people: `64512`, `64512 or 64513`, `any but 0`. */
export function describePeerAsn(expected: PeerAsn, localAsn: number): string {
  if (typeof expected === "number") return `${expected}`;
  if (typeof expected !== "string") return expected.join(" or ");
  if (expected === "any") return "any but 0";
  return expected === "internal" ? `${localAsn}` : `any but ${localAsn}`;
}

/** Is the peer in another AS? `undefined` while only its OPEN can tell. */
export function isExternalAsn(expected: PeerAsn, localAsn: number): boolean | undefined {
  if (typeof expected === "number") return expected !== localAsn;
  if (typeof expected === "string") {
    return expected === "any" ? undefined : expected === "external";
  }
  return expected.includes(localAsn) ? undefined : true;
}
