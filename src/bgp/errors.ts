import { ErrorCode } from "./iana.ts";

const noData = new Uint8Array(0);

/**
 * An error that is a NOTIFICATION: code, subcode and data octets are what goes on the wire (RFC 4271 §4.5, §6).
 * Decoders throw this and nothing else.
 */
export class BgpError extends Error {
  override readonly name: string = "BgpError";
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;

  constructor(notification: { code: number; subcode: number; data?: Uint8Array }, message: string) {
    super(message);
    this.code = notification.code;
    this.subcode = notification.subcode;
    // A copy: the offending octets live in a read buffer that is reused.
    this.data = notification.data === undefined ? noData : Uint8Array.from(notification.data);
  }
}

/** RFC 4271 §6.1 */
export class MessageHeaderError extends BgpError {
  override readonly name = "MessageHeaderError";
  constructor(subcode: number, message: string, data?: Uint8Array) {
    super({ code: ErrorCode.messageHeader, subcode, ...(data && { data }) }, message);
  }
}

/** RFC 4271 §6.2 */
export class OpenMessageError extends BgpError {
  override readonly name = "OpenMessageError";
  constructor(subcode: number, message: string, data?: Uint8Array) {
    super({ code: ErrorCode.openMessage, subcode, ...(data && { data }) }, message);
  }
}

/** RFC 4271 §6.3; only for what resets the session, the milder outcomes of RFC 7606 are values */
export class UpdateMessageError extends BgpError {
  override readonly name = "UpdateMessageError";
  constructor(subcode: number, message: string, data?: Uint8Array) {
    super({ code: ErrorCode.updateMessage, subcode, ...(data && { data }) }, message);
  }
}

/** RFC 4271 §6.6, RFC 6608 */
export class FsmError extends BgpError {
  override readonly name = "FsmError";
  constructor(subcode: number, message: string, data?: Uint8Array) {
    super({ code: ErrorCode.finiteStateMachine, subcode, ...(data && { data }) }, message);
  }
}

/** RFC 7313 §5 */
export class RouteRefreshError extends BgpError {
  override readonly name = "RouteRefreshError";
  constructor(subcode: number, message: string, data?: Uint8Array) {
    super({ code: ErrorCode.routeRefreshMessage, subcode, ...(data && { data }) }, message);
  }
}
