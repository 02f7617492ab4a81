import { scanUpdate, UpdateView } from "../bgp/message/scan-update.ts";
import { BgpError } from "../bgp/errors.ts";
import { type Family, familyByKey, ipv4Unicast } from "../bgp/family/index.ts";
import { headerOctets, MessageType } from "../bgp/iana.ts";
import { type CodecContext, familyKey } from "../bgp/message/codec-context.ts";

/**
 * A record of MRT says of a whole session that path identifiers are in use (RFC 8050), which may be true for one family
 * of it alone. @returns the context without those families whose NLRI in this message can be read only without
 */
export function withoutWrongAddPath(message: Uint8Array, context: CodecContext): CodecContext {
  if (context.addPathReceive.size === 0 || message[headerOctets - 1] !== MessageType.update) {
    return context;
  }
  const wrong = familiesWithoutPathIds(message.subarray(headerOctets));
  if (wrong.size === 0) return context;
  const addPathReceive = new Set([...context.addPathReceive].filter((key) => !wrong.has(key)));
  return { ...context, addPathReceive };
}

function familiesWithoutPathIds(body: Uint8Array): ReadonlySet<number> {
  const wrong = new Set<number>();
  const view = new UpdateView();
  if (!isSound(() => scanUpdate(body, 0, body.length, view))) return wrong;
  const judge = (family: Family | undefined, start: number, end: number): void => {
    if (family === undefined || start >= end) return;
    const reads = (addPath: boolean): boolean =>
      isSound(() => family.walkNlri(body, start, end, addPath, () => {}));
    if (!reads(true) && reads(false)) wrong.add(family.key);
  };
  judge(ipv4Unicast, view.withdrawnStart, view.withdrawnEnd);
  judge(ipv4Unicast, view.nlriStart, view.nlriEnd);
  const { mpReachEnd, mpReachStart, mpUnreachEnd, mpUnreachStart } = view;
  const familyAt = (at: number): Family | undefined =>
    familyByKey(familyKey(((body[at] ?? 0) << 8) | (body[at + 1] ?? 0), body[at + 2] ?? 0));
  if (mpReachStart >= 0) {
    const nlriAt = mpReachStart + 5 + (body[mpReachStart + 3] ?? 0);
    judge(familyAt(mpReachStart), nlriAt, mpReachEnd);
  }
  if (mpUnreachStart >= 0) judge(familyAt(mpUnreachStart), mpUnreachStart + 3, mpUnreachEnd);
  return wrong;
}

function isSound(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof BgpError) return false;
    throw error;
  }
}
