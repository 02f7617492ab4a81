import { familyByKey } from "../family/index.ts";
import { AttributeCode, AttributeFlag, asTrans, UpdateSubcode } from "../iana.ts";
import { type CodecContext, familyKey } from "../message/codec-context.ts";
import type { AttributeError, MalformedOutcome } from "../message/message.ts";
import { mergeAs4Path } from "./as4-path.ts";
import { type AttributeRow, type AttributeValues, Malformed } from "./attribute-row.ts";
import { attributeFlags } from "./encode-attributes.ts";
import { attributeByCode } from "./index.ts";
import type { PathAttributes, UnknownAttribute } from "./path-attributes.ts";

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

/** One attribute as the walk found it. */
interface RawAttribute {
  readonly code: number;
  readonly flags: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** What a walk over the block gathers. */
interface Findings {
  readonly octets: Uint8Array;
  readonly context: CodecContext;
  readonly announces: boolean;
  readonly values: AttributeValues;
  readonly unknown: UnknownAttribute[];
  readonly partial: number[];
  readonly seen: Set<number>;
  readonly errors: AttributeError[];
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
  walkAttributes(findings, start, end);
  mergeFourOctetAs(findings);
  judgeWhole(findings);
  return summarise(findings);
}

function addError(
  findings: Findings,
  error: Omit<AttributeError, "data">,
  raw?: Pick<RawAttribute, "start" | "end">,
): void {
  const data = raw === undefined ? new Uint8Array(0) : findings.octets.slice(raw.start, raw.end);
  findings.errors.push({ ...error, data });
}

function walkAttributes(findings: Findings, start: number, end: number): void {
  const { octets } = findings;
  let offset = start;
  while (offset < end) {
    const flags = octets[offset] as number;
    const isExtended = (flags & AttributeFlag.extendedLength) !== 0;
    const valueStart = offset + (isExtended ? 4 : 3);
    const code = offset + 1 < end ? (octets[offset + 1] as number) : 0;
    if (valueStart > end) {
      addOverrun(findings, code, { start: offset, end }, "the list ends inside a header");
      return;
    }
    const length = isExtended
      ? ((octets[offset + 2] as number) << 8) | (octets[offset + 3] as number)
      : (octets[offset + 2] as number);
    if (length > end - valueStart) {
      const message = `${length} octets announced, ${end - valueStart} left in the list`;
      addOverrun(findings, code, { start: offset, end }, message);
      return;
    }
    const next = valueStart + length;
    takeAttribute(findings, { code, flags, start: offset, valueStart, end: next });
    offset = next;
  }
}

/**
 * RFC 7606 §4: "the 'treat-as-withdraw' approach MUST be used", and what follows in the block cannot be trusted. Where
 * the attribute that is cut holds NLRI, these cannot be known (§3 j), which leaves the reset.
 */
function addOverrun(
  findings: Findings,
  code: number,
  raw: Pick<RawAttribute, "start" | "end">,
  message: string,
): void {
  const holdsNlri = code === AttributeCode.mpReachNlri || code === AttributeCode.mpUnreachNlri;
  const outcome = holdsNlri ? "session-reset" : "treat-as-withdraw";
  const subcode = UpdateSubcode.malformedAttributeList;
  addError(findings, { attribute: code, subcode, outcome, message }, raw);
}

function takeAttribute(findings: Findings, raw: RawAttribute): void {
  if (findings.seen.has(raw.code)) {
    addDuplicate(findings, raw);
    return;
  }
  findings.seen.add(raw.code);
  const row = attributeByCode(raw.code);
  if (row === undefined) takeUnknown(findings, raw);
  else takeKnown(findings, row, raw);
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
  const { code, flags } = raw;
  if (row.internalOnly === true && context.external) {
    addDiscard(findings, raw, `${row.title} from an external peer`);
    return;
  }
  if (context.fourOctetAs && (row.name === "as4Path" || row.name === "as4Aggregator")) {
    // RFC 6793 §4.1
    addDiscard(findings, raw, `${row.title} from a speaker of 4-octet AS numbers`);
    return;
  }
  const disagreeing = (flags ^ attributeFlags(row)) & 0xc0;
  if (disagreeing !== 0) {
    const error = {
      attribute: code,
      subcode: UpdateSubcode.attributeFlagsError,
      outcome: "treat-as-withdraw",
      message: `flags 0x${flags.toString(16)} do not fit ${row.title}`,
    } as const;
    addError(findings, error, raw);
    // The prefixes to withdraw still have to be found.
    if (row.name !== "mpReach" && row.name !== "mpUnreach") return;
  }
  takeValue(findings, row, raw);
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
    const outcome = isIgnored ? "attribute-discard" : (value.outcome ?? row.malformed);
    const { subcode } = value;
    const message = `${row.title}: ${value.message}`;
    addError(findings, { attribute: row.code, subcode, outcome, message }, raw);
    return;
  }
  Object.assign(findings.values, { [row.name]: value });
  if ((raw.flags & AttributeFlag.partial) !== 0 && row.category === "optional transitive") {
    findings.partial.push(row.code);
  }
}

/** RFC 6793 §4.2.3; the two attributes got here from an OLD speaker alone. */
function mergeFourOctetAs({ values }: Findings): void {
  const { aggregator, as4Aggregator, as4Path, asPath } = values;
  if (aggregator !== undefined && as4Aggregator !== undefined) {
    // Someone on the way set AGGREGATOR anew and knew nothing of the others.
    if (aggregator.asn !== asTrans) return;
    values.aggregator = as4Aggregator;
  }
  if (as4Path !== undefined && asPath !== undefined) values.asPath = mergeAs4Path(asPath, as4Path);
}

/** What only the whole list shows: RFC 7606 §3 d, §5.2. */
function judgeWhole(findings: Findings): void {
  const { announces, errors, seen, values } = findings;
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
  const isUnreach = (code: number): boolean => code === AttributeCode.mpUnreachNlri;
  const isUnreachAlone =
    [...seen].every(isUnreach) && errors.every((error) => isUnreach(error.attribute));
  if (!isUnreachAlone && errors.some((error) => error.outcome === "treat-as-withdraw")) {
    addError(findings, {
      attribute: 0,
      subcode: UpdateSubcode.malformedAttributeList,
      outcome: "session-reset",
      message: "broken attributes, and no prefix to withdraw for them",
    });
  }
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
    subcode: UpdateSubcode.optionalAttributeError,
    outcome: "treat-as-withdraw",
    message: `MP_REACH_NLRI: ${family.decodeNextHop(mpReach.nextHop)?.nextHop} is no host's address`,
  });
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
  const reached = mpReach && { ...shared, ...family?.decodeNextHop(mpReach.nextHop) };
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
