import { UpdateMessageError } from "../errors.ts";
import { AttributeCode, AttributeFlag, UpdateSubcode } from "../iana.ts";

/** Where the parts of an UPDATE stand, as offsets into its octets: made once, filled by each `scanUpdate`. */
export class UpdateView {
  withdrawnStart = 0;
  withdrawnEnd = 0;
  attributesStart = 0;
  attributesEnd = 0;
  nlriStart = 0;
  nlriEnd = 0;
  /** The header of MP_REACH_NLRI; -1 when absent, like the three below. */
  mpReachAttributeStart = -1;
  /** Its value; the attribute ends where the value does. */
  mpReachStart = -1;
  mpReachEnd = -1;
  mpUnreachAttributeStart = -1;
  mpUnreachStart = -1;
  mpUnreachEnd = -1;
  /** The attribute list overruns, or has one of these two twice: `decodePathAttributes` says what comes of it. */
  broken = false;
}

/**
 * Finds the parts of the UPDATE body in `octets[start..end)` and allocates nothing (RFC 4271 §4.3).
 * @throws UpdateMessageError 3/1 when the two total lengths do not fit the message (RFC 7606 §3 b)
 */
export function scanUpdate(octets: Uint8Array, start: number, end: number, view: UpdateView): void {
  if (end - start < 4) throw lengthsLie(`${end - start} octets are no UPDATE`);
  const withdrawnStart = start + 2;
  const withdrawnEnd =
    withdrawnStart + (((octets[start] as number) << 8) | (octets[start + 1] as number));
  const attributesStart = withdrawnEnd + 2;
  if (attributesStart > end) throw lengthsLie("the withdrawn routes overrun the message");
  const attributesEnd =
    attributesStart +
    (((octets[withdrawnEnd] as number) << 8) | (octets[withdrawnEnd + 1] as number));
  if (attributesEnd > end) throw lengthsLie("the path attributes overrun the message");
  view.withdrawnStart = withdrawnStart;
  view.withdrawnEnd = withdrawnEnd;
  view.attributesStart = attributesStart;
  view.attributesEnd = attributesEnd;
  view.nlriStart = attributesEnd;
  view.nlriEnd = end;
  findMpAttributes(octets, view);
}

function lengthsLie(message: string): UpdateMessageError {
  return new UpdateMessageError(UpdateSubcode.malformedAttributeList, message);
}

function findMpAttributes(octets: Uint8Array, view: UpdateView): void {
  view.mpReachAttributeStart = view.mpReachStart = view.mpReachEnd = -1;
  view.mpUnreachAttributeStart = view.mpUnreachStart = view.mpUnreachEnd = -1;
  view.broken = false;
  const end = view.attributesEnd;
  let offset = view.attributesStart;
  while (offset < end) {
    const isExtended = ((octets[offset] as number) & AttributeFlag.extendedLength) !== 0;
    const valueStart = offset + (isExtended ? 4 : 3);
    let next = valueStart;
    if (valueStart <= end) {
      next += isExtended
        ? ((octets[offset + 2] as number) << 8) | (octets[offset + 3] as number)
        : (octets[offset + 2] as number);
    }
    if (next > end) {
      view.broken = true;
      return;
    }
    const code = octets[offset + 1] as number;
    if (code === AttributeCode.mpReachNlri) setMpReach(view, offset, valueStart, next);
    else if (code === AttributeCode.mpUnreachNlri) setMpUnreach(view, offset, valueStart, next);
    offset = next;
  }
}

function setMpReach(view: UpdateView, start: number, valueStart: number, end: number): void {
  if (view.mpReachStart >= 0) {
    view.broken = true;
    return;
  }
  view.mpReachAttributeStart = start;
  view.mpReachStart = valueStart;
  view.mpReachEnd = end;
}

function setMpUnreach(view: UpdateView, start: number, valueStart: number, end: number): void {
  if (view.mpUnreachStart >= 0) {
    view.broken = true;
    return;
  }
  view.mpUnreachAttributeStart = start;
  view.mpUnreachStart = valueStart;
  view.mpUnreachEnd = end;
}
