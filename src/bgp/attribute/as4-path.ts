import { AsPathSegmentType, AttributeCode } from "../iana.ts";
import {
  asPathLength,
  decodeSegments,
  encodeAsPath,
  formatAsPath,
  isConfederationSegment,
} from "./as-path.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";
import type { AsPathSegment } from "./path-attributes.ts";
import { wrongLength } from "./uint32-value.ts";

/** AS4_PATH, RFC 6793 §3; malformed: §6, which has confederation segments dropped and the rest kept. */
export const as4Path: AttributeRow<"as4Path"> = {
  code: AttributeCode.as4Path,
  name: "as4Path",
  title: "AS4_PATH",
  category: "optional transitive",
  malformed: "attribute-discard",
  decode: (value) => {
    if (value.length === 0) return wrongLength(0, "at least one segment");
    const segments = decodeSegments(value, 4);
    if (segments instanceof Malformed) return segments;
    return segments.filter((segment) => !isConfederationSegment(segment));
  },
  encode: (value, writer) => {
    encodeAsPath(value, 4, writer);
  },
  format: formatAsPath,
};

/**
 * The AS path that an OLD speaker could say only in two attributes, RFC 6793 §4.2.3: AS4_PATH, with as much of the front
 * of AS_PATH before it as makes their lengths equal. An AS4_PATH that is the longer of the two is ignored.
 */
export function mergeAs4Path(
  path: readonly AsPathSegment[],
  as4: readonly AsPathSegment[],
): readonly AsPathSegment[] {
  let missing = asPathLength(path) - asPathLength(as4);
  if (missing < 0) return path;
  const front: AsPathSegment[] = [];
  for (const segment of path) {
    if (missing <= 0) break;
    const length = asPathLength([segment]);
    const isCut = segment.type === AsPathSegmentType.asSequence && length > missing;
    front.push(isCut ? { type: segment.type, asns: segment.asns.slice(0, missing) } : segment);
    missing -= length;
  }
  return joinSequences([...front, ...as4]);
}

/** One AS_SEQUENCE where two would stand side by side. */
function joinSequences(segments: readonly AsPathSegment[]): readonly AsPathSegment[] {
  const joined: AsPathSegment[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    if (last?.type === AsPathSegmentType.asSequence && segment.type === last.type) {
      joined[joined.length - 1] = { type: last.type, asns: [...last.asns, ...segment.asns] };
    } else {
      joined.push(segment);
    }
  }
  return joined;
}
