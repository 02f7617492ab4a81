import { UpdateMessageError } from "../errors.ts";
import { UpdateSubcode } from "../iana.ts";
import type { AttributeError } from "../message/message.ts";

/** The NOTIFICATION for the first error that resets the session, its data as RFC 4271 §6.3 has it; `undefined` where none does. */
export function sessionResetError(
  errors: readonly AttributeError[],
): UpdateMessageError | undefined {
  const error = errors.find(({ outcome }) => outcome === "session-reset");
  if (error === undefined) return undefined;
  const { attribute, message, subcode } = error;
  return new UpdateMessageError(subcode, `attribute ${attribute}: ${message}`, dataOf(error));
}

function dataOf({ attribute, data, subcode }: AttributeError): Uint8Array | undefined {
  switch (subcode) {
    case UpdateSubcode.malformedAttributeList:
    case UpdateSubcode.malformedAsPath:
      return undefined;
    case UpdateSubcode.missingWellKnownAttribute:
      return Uint8Array.of(attribute);
    default:
      return data;
  }
}
