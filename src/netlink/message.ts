import { ErrorAttribute, MessageFlag } from "./constants.ts";
import { attributeText, walkAttributes } from "./attribute.ts";

/** Octets of `struct nlmsghdr`: length u32, type u16, flags u16, sequence u32, port id u32, in the machine's byte order. */
export const MESSAGE_HEADER_OCTETS = 16;

/**
 * One netlink message inside a received datagram, valid while it is being told of. The header's fields are in the
 * machine's byte order, which on every machine Node runs on is little-endian.
 */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port id of the socket whose request caused it; 0 when the kernel itself did. */
  readonly portId: number;
  readonly datagram: Uint8Array;
  /** Where in the datagram the payload begins and ends. */
  readonly start: number;
  readonly end: number;
  /** Where the next one begins. Who has read on moves it. */
  next: number;
  /** What follows the header; shares memory with the datagram. Made anew each time. */
  readonly payload: Uint8Array;
}

/** The same object for all messages of a datagram: a dump has hundreds of thousands. */
class MessageCursor implements NetlinkMessage {
  readonly datagram: Uint8Array;
  type = 0;
  flags = 0;
  sequence = 0;
  portId = 0;
  start = 0;
  end = 0;
  next = 0;

  constructor(datagram: Uint8Array) {
    this.datagram = datagram;
  }

  get payload(): Uint8Array {
    return this.datagram.subarray(this.start, this.end);
  }
}

/** What NLMSG_ERROR carries; errno 0 is an acknowledgement. */
export interface Acknowledgement {
  /** Positive errno, or 0. */
  readonly errno: number;
  /** The kernel's words, when it gave any (NETLINK_EXT_ACK). */
  readonly text: string | undefined;
}

/** Rounds up to netlink's alignment of 4 octets. */
function align4(length: number): number {
  return (length + 3) & ~3;
}

function u32(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset] as number) |
      ((octets[offset + 1] as number) << 8) |
      ((octets[offset + 2] as number) << 16) |
      ((octets[offset + 3] as number) << 24)) >>>
    0
  );
}

/** Calls `each` with every whole message of a datagram; a message that claims more octets than there are ends the walk. */
export function walkMessages(datagram: Uint8Array, each: (message: NetlinkMessage) => void): void {
  const message = new MessageCursor(datagram);
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  let offset = 0;
  while (offset + MESSAGE_HEADER_OCTETS <= datagram.length) {
    const length = view.getUint32(offset, true);
    if (length < MESSAGE_HEADER_OCTETS || offset + length > datagram.length) return;
    message.type = view.getUint16(offset + 4, true);
    message.flags = view.getUint16(offset + 6, true);
    message.sequence = view.getUint32(offset + 8, true);
    message.portId = view.getUint32(offset + 12, true);
    message.start = offset + MESSAGE_HEADER_OCTETS;
    message.end = offset + length;
    message.next = offset + align4(length);
    each(message);
    offset = message.next;
  }
}

/** Builds one message: header (port id 0, the kernel fills it in) and body, padded to 4 octets. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  body: Uint8Array,
): Uint8Array {
  const length = MESSAGE_HEADER_OCTETS + body.length;
  const message = new Uint8Array(align4(length));
  const view = new DataView(message.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  message.set(body, MESSAGE_HEADER_OCTETS);
  return message;
}

/** Reads the body of an NLMSG_ERROR; `undefined` when it is too short to be one. */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement | undefined {
  const { payload, flags } = message;
  if (payload.length < 4 + MESSAGE_HEADER_OCTETS) return undefined;
  const errno = 0 - (u32(payload, 0) | 0);
  let text: string | undefined;
  if ((flags & MessageFlag.ackAttributes) !== 0) {
    const quoted =
      (flags & MessageFlag.capped) !== 0 ? MESSAGE_HEADER_OCTETS : align4(u32(payload, 4));
    walkAttributes(payload.subarray(4 + quoted), (type, value) => {
      if (type === ErrorAttribute.message) text = attributeText(value);
    });
  }
  return { errno, text };
}

/** The errno that NLMSG_DONE ends a dump with; 0 when it went well. */
export function decodeDone(message: NetlinkMessage): number {
  return message.payload.length >= 4 ? 0 - (u32(message.payload, 0) | 0) : 0;
}
