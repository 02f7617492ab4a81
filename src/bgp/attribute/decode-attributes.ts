import { familyByKey } from "../family/index.ts";
import { AttributeCode, AttributeFlag, UpdateSubcode } from "../iana.ts";
import { type CodecContext, familyKey } from "../message/codec-context.ts";
import type { AttributeError, MalformedOutcome } from "../message/message.ts";
import { type AttributeKind, type AttributeRow, Malformed } from "./attribute-row.ts";
import { attributeFlags } from "./encode-attributes.ts";
import { addError, type Findings } from "./findings.ts";
import { attributeByCode, judgedAttributeByCode } from "./index.ts";
import { judgeWhole, mergeFourOctetAs } from "./judge-attributes.ts";
import type { JudgedAttribute } from "./judged-attributes.ts";
import type { PathAttributes } from "./path-attributes.ts";
import { type AttributeOverrun, type RawAttribute, walkAttributes } from "./walk-attributes.ts";

/** Where the NLRI of MP_REACH_NLRI or MP_UNREACH_NLRI stands: offsets into the octets that were decoded. */
export interface MpNlriRange {
  readonly afi: number;
  readonly safi: number;
  readonly nlriStart: number;
  readonly nlriEnd: number;
}

/** A block of path attributes, decoded and judged. Nothing in `attributes` is a view on the octets. */
export interface DecodedAttributes {
  /** Those of the prefixes in the UPDATE's own NLRI field; of MP_REACH_NLRI's where that field is empty. */
  readonly attributes: PathAttributes;
  /** In the order found; `outcome` is the strongest of theirs (RFC 7606 §3 h), `ok` where there is none. */
  readonly errors: readonly AttributeError[];
  readonly outcome: "ok" | MalformedOutcome;
  /** `attributes` has its own next hop: the same object as above, unless both fields announce prefixes. */
  readonly mpReach?: MpNlriRange & { readonly attributes: PathAttributes };
  readonly mpUnreach?: MpNlriRange;
}

export interface DecodeOptions {
  /** Prefixes stand in the UPDATE's own NLRI field: NEXT_HOP is mandatory then, and there is something to withdraw. */
  readonly announces: boolean;
}

const severities: readonly ("ok" | MalformedOutcome)[] = [
  "ok",
  "attribute-discard",
  "treat-as-withdraw",
  "afi-safi-disable",
  "session-reset",
];

/** The stronger of two outcomes, RFC 7606 §2. */
function stronger<Outcome extends "ok" | MalformedOutcome>(a: Outcome, b: Outcome): Outcome {
  return severities.indexOf(a) >= severities.indexOf(b) ? a : b;
}

/**
 * Decodes the path attributes in `octets[start..end)` and judges them by RFC 7606. Never throws: what resets the session
 * is an outcome like the others (`sessionResetError` makes the NOTIFICATION of it). The result depends on the octets, the
 * context and `announces`, and on nothing else.
 */
export function decodePathAttributes(
  octets: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
  options: DecodeOptions = { announces: false },
): DecodedAttributes {
  const findings: Findings = {
    octets,
    context,
    announces: options.announces,
    values: {},
    unknown: [],
    partial: [],
    seen: new Set(),
    errors: [],
  };
  const overrun = walkAttributes(octets, start, end, (raw) => takeAttribute(findings, raw));
  if (overrun !== undefined) addOverrun(findings, overrun, end);
  mergeFourOctetAs(findings);
  judgeWhole(findings);
  return summarise(findings);
}

/**
 * RFC 7606 §4: "the 'treat-as-withdraw' approach MUST be used", and what follows in the block cannot be trusted. Where
 * the attribute that is cut holds NLRI, these cannot be known (§3 j), which leaves the reset.
 */
function addOverrun(
  findings: Findings,
  { code, message, start }: AttributeOverrun,
  end: number,
): void {
  const holdsNlri = code === AttributeCode.mpReachNlri || code === AttributeCode.mpUnreachNlri;
  const outcome = holdsNlri ? "session-reset" : "treat-as-withdraw";
  const subcode = UpdateSubcode.malformedAttributeList;
  addError(findings, { attribute: code, subcode, outcome, message }, { start, end });
}

function takeAttribute(findings: Findings, raw: RawAttribute): void {
  if (findings.seen.has(raw.code)) {
    addDuplicate(findings, raw);
    return;
  }
  findings.seen.add(raw.code);
  const row = attributeByCode(raw.code);
  if (row !== undefined) return takeKnown(findings, row, raw);
  const judged = judgedAttributeByCode(raw.code);
  if (judged === undefined) takeUnknown(findings, raw);
  else if (hasRightFlags(findings, judged, raw)) takeJudged(findings, judged, raw);
}

/** RFC 7606 §3 g */
function addDuplicate(findings: Findings, raw: RawAttribute): void {
  const { code } = raw;
  const holdsNlri = code === AttributeCode.mpReachNlri || code === AttributeCode.mpUnreachNlri;
  const error = {
    attribute: code,
    subcode: UpdateSubcode.malformedAttributeList,
    outcome: holdsNlri ? "session-reset" : "attribute-discard",
    message: "appears again",
  } as const;
  addError(findings, error, raw);
}

function takeUnknown(findings: Findings, raw: RawAttribute): void {
  const { code, flags } = raw;
  if ((flags & AttributeFlag.optional) === 0) {
    const error = {
      attribute: code,
      subcode: UpdateSubcode.unrecognizedWellKnownAttribute,
      outcome: "session-reset",
      message: "said to be well-known, but unknown here",
    } as const;
    addError(findings, error, raw);
  } else if ((flags & AttributeFlag.transitive) !== 0) {
    const value = findings.octets.slice(raw.valueStart, raw.end);
    // RFC 4271 §4.3: the four lower bits "MUST be ignored when received", so they are not passed on.
    findings.unknown.push({ code, flags: flags & 0xf0, value });
  }
}

function takeKnown(findings: Findings, row: AttributeRow, raw: RawAttribute): void {
  const { context } = findings;
  if (row.internalOnly === true && context.external) {
    addDiscard(findings, raw, `${row.title} from an external peer`);
    return;
  }
  if (context.fourOctetAs && (row.name === "as4Path" || row.name === "as4Aggregator")) {
    // RFC 6793 §4.1
    addDiscard(findings, raw, `${row.title} from a speaker of 4-octet AS numbers`);
    return;
  }
  if (hasRightFlags(findings, row, raw)) takeValue(findings, row, raw);
}

/** RFC 7606 §3 c; for the attributes that hold NLRI its §5.3 asks for more. */
function hasRightFlags(
  findings: Findings,
  kind: AttributeKind,
  { flags, ...raw }: RawAttribute,
): boolean {
  if (((flags ^ attributeFlags(kind)) & 0xc0) === 0) return true;
  const { code, malformed, misflagged, title } = kind;
  const error = {
    attribute: code,
    subcode: UpdateSubcode.attributeFlagsError,
    outcome: misflagged ?? stronger("treat-as-withdraw", malformed),
    message: `flags 0x${flags.toString(16)} do not fit ${title}`,
  } as const;
  addError(findings, error, raw);
  return false;
}

function takeJudged(findings: Findings, row: JudgedAttribute, raw: RawAttribute): void {
  const malformed = row.judge(findings.octets.subarray(raw.valueStart, raw.end));
  if (malformed === undefined) takeUnknown(findings, raw);
  else addMalformed(findings, row, malformed, raw);
}

function addMalformed(
  findings: Findings,
  row: AttributeKind,
  { message, subcode, outcome = row.malformed }: Malformed,
  raw: RawAttribute,
): void {
  const { code, title } = row;
  addError(findings, { attribute: code, subcode, outcome, message: `${title}: ${message}` }, raw);
}

function addDiscard(findings: Findings, raw: RawAttribute, message: string): void {
  const subcode = UpdateSubcode.malformedAttributeList;
  addError(findings, { attribute: raw.code, subcode, outcome: "attribute-discard", message }, raw);
}

function takeValue(findings: Findings, row: AttributeRow, raw: RawAttribute): void {
  const octets = findings.octets.subarray(raw.valueStart, raw.end);
  const value = row.decode(octets, findings.context);
  if (value instanceof Malformed) {
    // RFC 4760 §3: NEXT_HOP is to be ignored where MP_REACH_NLRI alone announces.
    const isIgnored = row.name === "nextHop" && !findings.announces;
    addMalformed(
      findings,
      isIgnored ? { ...row, malformed: "attribute-discard" } : row,
      value,
      raw,
    );
    return;
  }
  // The row's name and its value belong together, which the union of all rows cannot say.
  (findings.values as Record<string, unknown>)[row.name] = value;
  if ((raw.flags & AttributeFlag.partial) !== 0 && row.category === "optional transitive") {
    findings.partial.push(row.code);
  }
}

function summarise(findings: Findings): DecodedAttributes {
  const { announces, errors, octets, partial, unknown, values } = findings;
  const { as4Aggregator: _, as4Path: __, mpReach, mpUnreach, nextHop, ...common } = values;
  const shared: PathAttributes = {
    ...common,
    ...(unknown.length > 0 && { unknown }),
    ...(partial.length > 0 && { partial }),
  };
  const own = nextHop === undefined ? shared : { ...shared, nextHop };
  const family = mpReach && familyByKey(familyKey(mpReach.afi, mpReach.safi));
  const reached = mpReach && { ...shared, ...family?.decodeNextHop(mpReach.nextHop, true) };
  const attributes = announces || reached === undefined ? own : reached;
  return {
    attributes,
    errors,
    outcome: errors.reduce<"ok" | MalformedOutcome>(
      (strongest, error) => stronger(strongest, error.outcome),
      "ok",
    ),
    ...(mpReach && reached && { mpReach: { ...rangeOf(octets, mpReach), attributes: reached } }),
    ...(mpUnreach && { mpUnreach: rangeOf(octets, mpUnreach) }),
  };
}

function rangeOf(
  octets: Uint8Array,
  { afi, safi, nlri }: { afi: number; safi: number; nlri: Uint8Array },
): MpNlriRange {
  const nlriStart = nlri.byteOffset - octets.byteOffset;
  return { afi, safi, nlriStart, nlriEnd: nlriStart + nlri.length };
}
