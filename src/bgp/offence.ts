import type { DownReason } from "./fsm/action.ts";
import { CeaseSubcode, ErrorCode } from "./iana.ts";

/** THE table of what peers do that they should not, and that costs them something or at least a line in the log: what is counted. */
export const offenceTexts = {
  "attribute-discard": "malformed attributes that were left out (RFC 7606)",
  "treat-as-withdraw": "malformed UPDATEs whose routes counted as withdrawn (RFC 7606)",
  "martian-next-hop": "of those, UPDATEs whose next hop is no host's address (RFC 4271 §6.3)",
  "message-error":
    "sessions ended for a message that was malformed or not agreed to (RFC 4271 §6.1 to §6.3)",
  "unexpected-message": "sessions ended for a message out of place (RFC 6608)",
  silence: "sessions and connections ended as nothing came for the hold time",
  "not-reading": "sessions ended as the peer read nothing (RFC 9687), or by far too little",
  dribbling: "messages that came in pieces of a few octets",
  "prefix-limit": "announcements refused, and sessions ended, for the maximum of prefixes",
  "martian-prefix": "UPDATEs with prefixes that are nobody's (RFC 6890)",
  "own-next-hop": "UPDATEs whose next hop is our own address (RFC 4271 §5.1.3)",
  "long-as-path": "UPDATEs with an AS_PATH of more than 255",
  "large-attributes": "UPDATEs that peers without extended messages cannot be told (RFC 8654)",
  "oversized-attributes": "UPDATEs whose attributes have no room for what the import policy adds",
  "foreign-family": "UPDATEs of families that are not in force, ignored (RFC 4760 §7)",
} as const;

export type Offence = keyof typeof offenceTexts;

/** One, with what was wrong, for people. */
export interface Offending {
  readonly offence: Offence;
  readonly text: string;
}

export type OffenceCounts = ReadonlyMap<Offence, number>;

/** What the peer did where we say Cease; in all other cases, nothing. */
const ceased: Readonly<Record<number, Offence>> = {
  [CeaseSubcode.maximumNumberOfPrefixesReached]: "prefix-limit",
  [CeaseSubcode.outOfResources]: "not-reading",
};

/** What the peer did to have its session ended by us, if it did. */
export function offenceOf({ event, direction, notification }: DownReason): Offence | undefined {
  if (event === "SendHoldTimer_Expires") return "not-reading";
  if (direction !== "sent" || notification === undefined) return undefined;
  const { code, subcode } = notification;
  switch (code) {
    case ErrorCode.messageHeader:
    case ErrorCode.openMessage:
    case ErrorCode.updateMessage:
    case ErrorCode.routeRefreshMessage:
      return "message-error";
    case ErrorCode.finiteStateMachine:
      return "unexpected-message";
    case ErrorCode.holdTimerExpired:
      return "silence";
    case ErrorCode.cease:
      return ceased[subcode];
    default:
      return undefined;
  }
}
