import { CeaseSubcode, ErrorCode } from "../iana.ts";
import type { NotificationMessage } from "./message.ts";
import { decodeShutdownCommunication } from "./shutdown-communication.ts";

interface ErrorName {
  readonly name: string;
  /** By subcode; subcode 0 is "Unspecific" and has no name of its own unless given. */
  readonly subcodes: Readonly<Record<number, string>>;
}

/** Names as the IANA registry "BGP Error (Notification) Codes" has them. */
const errorNames: Readonly<Record<number, ErrorName>> = {
  [ErrorCode.messageHeader]: {
    name: "Message Header Error",
    subcodes: {
      1: "Connection Not Synchronized",
      2: "Bad Message Length",
      3: "Bad Message Type",
    },
  },
  [ErrorCode.openMessage]: {
    name: "OPEN Message Error",
    subcodes: {
      1: "Unsupported Version Number",
      2: "Bad Peer AS",
      3: "Bad BGP Identifier",
      4: "Unsupported Optional Parameter",
      6: "Unacceptable Hold Time",
      7: "Unsupported Capability",
      11: "Role Mismatch",
    },
  },
  [ErrorCode.updateMessage]: {
    name: "UPDATE Message Error",
    subcodes: {
      1: "Malformed Attribute List",
      2: "Unrecognized Well-known Attribute",
      3: "Missing Well-known Attribute",
      4: "Attribute Flags Error",
      5: "Attribute Length Error",
      6: "Invalid ORIGIN Attribute",
      8: "Invalid NEXT_HOP Attribute",
      9: "Optional Attribute Error",
      10: "Invalid Network Field",
      11: "Malformed AS_PATH",
    },
  },
  [ErrorCode.holdTimerExpired]: { name: "Hold Timer Expired", subcodes: {} },
  [ErrorCode.finiteStateMachine]: {
    name: "Finite State Machine Error",
    subcodes: {
      1: "Receive Unexpected Message in OpenSent State",
      2: "Receive Unexpected Message in OpenConfirm State",
      3: "Receive Unexpected Message in Established State",
    },
  },
  [ErrorCode.cease]: {
    name: "Cease",
    subcodes: {
      1: "Maximum Number of Prefixes Reached",
      2: "Administrative Shutdown",
      3: "Peer De-configured",
      4: "Administrative Reset",
      5: "Connection Rejected",
      6: "Other Configuration Change",
      7: "Connection Collision Resolution",
      8: "Out of Resources",
      9: "Hard Reset",
      10: "BFD Down",
    },
  },
  [ErrorCode.routeRefreshMessage]: {
    name: "ROUTE-REFRESH Message Error",
    subcodes: { 1: "Invalid Message Length" },
  },
  [ErrorCode.sendHoldTimerExpired]: { name: "Send Hold Timer Expired", subcodes: {} },
};

/**
 * A NOTIFICATION in words: `Cease/Administrative Shutdown: "back at noon"`. A Hard Reset (RFC 8538 §3.1) is followed by
 * what it wraps. Codes without a name show as numbers.
 */
export function describeNotification(notification: NotificationMessage): string {
  const { code, subcode, data } = notification;
  const title = nameOf(code, subcode);
  if (code !== ErrorCode.cease) return title;
  if (subcode === CeaseSubcode.hardReset && data.length >= 2) {
    return `${title} (${describeWrapped(data)})`;
  }
  return title + quoteText(subcode, data);
}

/** The names of a code and its subcode, where they have any. */
export function notificationNames(
  code: number,
  subcode: number,
): { readonly codeName?: string; readonly subcodeName?: string } {
  const error = errorNames[code];
  if (error === undefined) return {};
  const subcodeName = error.subcodes[subcode];
  return { codeName: error.name, ...(subcodeName !== undefined && { subcodeName }) };
}

function nameOf(code: number, subcode: number): string {
  const { codeName, subcodeName } = notificationNames(code, subcode);
  if (codeName === undefined) return `Error ${code}/${subcode}`;
  if (subcode === 0) return codeName;
  return `${codeName}/${subcodeName ?? subcode}`;
}

/** One level deep: a wrapped Hard Reset is not unwrapped again. */
function describeWrapped(data: Uint8Array): string {
  const code = data[0] as number;
  const subcode = data[1] as number;
  const text = code === ErrorCode.cease ? quoteText(subcode, data.subarray(2)) : "";
  return nameOf(code, subcode) + text;
}

function quoteText(subcode: number, data: Uint8Array): string {
  const mayHaveText =
    subcode === CeaseSubcode.administrativeShutdown || subcode === CeaseSubcode.administrativeReset;
  const text = mayHaveText ? decodeShutdownCommunication(data) : undefined;
  return text === undefined ? "" : `: "${text}"`;
}
