import { OpenMessageError } from "../errors.ts";
import { OpenSubcode } from "../iana.ts";
import type { OpenMessage } from "../message/message.ts";
import { counterpart } from "../role.ts";

/**
 * Refuses an OPEN of another AS whose role does not go with ours, RFC 9234 §4.2. Without a role of our own anything goes.
 * @param strict a peer that names no role is refused, too
 * @throws OpenMessageError 2/11
 */
export function validateRole(localOpen: OpenMessage, peerOpen: OpenMessage, strict: boolean): void {
  if (localOpen.asn === peerOpen.asn) return;
  const ours = rolesIn(localOpen)[0]?.role;
  if (ours === undefined) return;
  const theirs = rolesIn(peerOpen).map(({ role }) => role);
  if (theirs.length === 0) {
    if (strict) refuse(`the peer names no role, and we are ${ours} (strictly)`);
    return;
  }
  if (theirs.some((role) => role !== theirs[0])) refuse("the peer names two roles");
  if (theirs[0] !== counterpart[ours]) {
    const named = theirs[0] ?? "a role without a name";
    refuse(`the peer is ${named} and we are ${ours}, expected ${counterpart[ours]}`);
  }
}

function rolesIn({ capabilities }: OpenMessage) {
  return capabilities.filter((capability) => capability.name === "role");
}

function refuse(message: string): never {
  throw new OpenMessageError(OpenSubcode.roleMismatch, message);
}
