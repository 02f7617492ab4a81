import { attributeTitle } from "../attribute/index.ts";
import type { BgpError } from "../errors.ts";
import type { AttributeError, MalformedOutcome } from "../message/message.ts";
import { ErrorCode, HeaderSubcode } from "../iana.ts";

/** What is wrong with a message: the NOTIFICATION that it deserves by RFC 4271 §6, and what RFC 7606 makes of it. */
export interface DescribedError {
  readonly code: number;
  readonly subcode: number;
  readonly outcome: MalformedOutcome;
  /** By name, where it is one attribute's. */
  readonly attribute?: string;
  readonly message: string;
}

/** The error of a whole message. */
export function describeBgpError({ code, message, subcode }: BgpError): DescribedError {
  return { code, subcode, outcome: "session-reset", message };
}

/** The error of what is no message at all: by RFC 4271 §6.1 it ends the session. @param subcode of a Message Header Error */
export function describeNoMessage(
  message: string,
  subcode: number = HeaderSubcode.connectionNotSynchronized,
): DescribedError {
  return { code: ErrorCode.messageHeader, subcode, outcome: "session-reset", message };
}

/** The error of an attribute, or of the list of them. */
export function describeAttributeError(error: AttributeError): DescribedError {
  const { attribute, message, outcome, subcode } = error;
  return {
    code: ErrorCode.updateMessage,
    subcode,
    outcome,
    ...(attribute !== 0 && { attribute: attributeTitle(attribute) }),
    message,
  };
}
