import { prependAsPath } from "../attribute/as-path.ts";
import type { AsPathSegment } from "../attribute/path-attributes.ts";
import type { ExportPolicy } from "./export-policy.ts";

/** RFC 6996 §5 */
function isPrivateAsn(asn: number): boolean {
  return (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);
}

/** AS_PATH as another AS is sent it: private numbers gone, the overridden one replaced, ours put before. */
export function exportedAsPath(
  path: readonly AsPathSegment[],
  { prepended, overriddenAsn, privateAsns, keptAsn }: ExportPolicy,
): readonly AsPathSegment[] {
  const [localAsn = 0] = prepended;
  let result = path;
  if (privateAsns !== "kept") {
    const isGone = (asn: number): boolean => asn !== keptAsn && isPrivateAsn(asn);
    result = mapAsns(result, (asn) => {
      if (!isGone(asn)) return asn;
      return privateAsns === "replaced" ? localAsn : undefined;
    });
  }
  if (overriddenAsn !== 0) {
    result = mapAsns(result, (asn) => (asn === overriddenAsn ? localAsn : asn));
  }
  for (const asn of prepended.toReversed()) result = prependAsPath(result, asn);
  return result;
}

/** The path with other AS numbers; `undefined` takes one out, and a segment goes with its last. */
function mapAsns(
  path: readonly AsPathSegment[],
  map: (asn: number) => number | undefined,
): AsPathSegment[] {
  return path
    .map(({ type, asns }) => ({
      type,
      asns: asns.map(map).filter((asn) => asn !== undefined),
    }))
    .filter(({ asns }) => asns.length > 0);
}
