import { familyByKey } from "../family/index.ts";
import { AttributeCode, asTrans, UpdateSubcode } from "../iana.ts";
import { familyKey } from "../message/codec-context.ts";
import { mergeAs4Path } from "./as4-path.ts";
import { addError, type Findings } from "./findings.ts";

/** RFC 6793 §4.2.3; the two attributes got here from an OLD speaker alone. */
export function mergeFourOctetAs({ values }: Findings): void {
  const { aggregator, as4Aggregator, as4Path, asPath } = values;
  if (aggregator !== undefined && as4Aggregator !== undefined) {
    // Someone on the way set AGGREGATOR anew and knew nothing of the others.
    if (aggregator.asn !== asTrans) return;
    values.aggregator = as4Aggregator;
  }
  if (as4Path !== undefined && asPath !== undefined) values.asPath = mergeAs4Path(asPath, as4Path);
}

/** What only the whole list shows: RFC 7606 §3 d, §5.2. */
export function judgeWhole(findings: Findings): void {
  const { announces, errors, values } = findings;
  const { mpReach } = values;
  const isReachable = announces || (mpReach !== undefined && mpReach.nlri.length > 0);
  if (isReachable) {
    requireAttribute(findings, AttributeCode.origin, "ORIGIN");
    requireAttribute(findings, AttributeCode.asPath, "AS_PATH");
    if (announces) requireAttribute(findings, AttributeCode.nextHop, "NEXT_HOP");
    judgeMpNextHop(findings);
    return;
  }
  // RFC 7606 §5.2: with no reachable NLRI "we cannot be confident that the NLRI have been successfully parsed".
  const error = errors.find(({ outcome }) => outcome === "treat-as-withdraw");
  if (error === undefined) return;
  const message = `${error.message}, and there is no prefix to withdraw for it`;
  errors.push({ ...error, outcome: "session-reset", message });
}

/** An attribute that is there but malformed is an error of its own. */
function requireAttribute(findings: Findings, code: AttributeCode, title: string): void {
  if (findings.seen.has(code)) return;
  addError(findings, {
    attribute: code,
    subcode: UpdateSubcode.missingWellKnownAttribute,
    outcome: "treat-as-withdraw",
    message: `${title} is missing`,
  });
}

function judgeMpNextHop(findings: Findings): void {
  const { mpReach } = findings.values;
  if (mpReach === undefined) return;
  const family = familyByKey(familyKey(mpReach.afi, mpReach.safi));
  if (family === undefined || family.isUsableNextHop(mpReach.nextHop)) return;
  addError(findings, {
    attribute: AttributeCode.mpReachNlri,
    subcode: UpdateSubcode.invalidNextHopAttribute,
    outcome: "treat-as-withdraw",
    message: `MP_REACH_NLRI: ${family.decodeNextHop(mpReach.nextHop, true)?.nextHop} is no host's address`,
  });
}
