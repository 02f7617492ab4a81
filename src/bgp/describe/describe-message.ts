import { BgpError } from "../errors.ts";
import { headerOctets, MessageType } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";
import { decodeHeader } from "../message/header.ts";
import { type DescribedNotification, describeNotificationBody } from "./describe-notification.ts";
import { type DescribedOpen, describeOpen } from "./describe-open.ts";
import { type DescribedRouteRefresh, describeRouteRefresh } from "./describe-route-refresh.ts";
import { type DescribedUpdate, describeUpdate } from "./describe-update.ts";
import { type DescribedError, describeBgpError } from "./described-error.ts";

/** A message as an object that is ready for JSON; a property is absent where there is nothing to say. */
export type DescribedMessage =
  | DescribedOpen
  | DescribedUpdate
  | DescribedNotification
  | DescribedRouteRefresh
  | { readonly type: "keepalive" }
  /** Not even a header, or one that tells no type. */
  | { readonly type: "unknown" };

/** What is common to all: a message without `errors` is sound. */
export type Described = DescribedMessage & { readonly errors?: readonly DescribedError[] };

const typeNames = {
  [MessageType.open]: "open",
  [MessageType.update]: "update",
  [MessageType.notification]: "notification",
  [MessageType.keepalive]: "keepalive",
  [MessageType.routeRefresh]: "route-refresh",
} as const;

/** Describes one whole message with its header, however broken. Never throws. */
export function describeMessage(message: Uint8Array, context: CodecContext): Described {
  try {
    const { type } = decodeHeader(message, context.maximumMessageOctets);
    const body = message.subarray(headerOctets);
    switch (type) {
      case MessageType.open:
        return describeOpen(body);
      case MessageType.update:
        return describeUpdate(body, context);
      case MessageType.notification:
        return describeNotificationBody(body);
      case MessageType.keepalive:
        return { type: "keepalive" };
      case MessageType.routeRefresh:
        return describeRouteRefresh(body);
    }
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return { type: typeName(message), errors: [describeBgpError(error)] };
  }
}

/** What the octet of the type says, whatever is wrong with the rest. */
function typeName(message: Uint8Array): DescribedMessage["type"] {
  const type = message[headerOctets - 1];
  return typeNames[type as MessageType] ?? "unknown";
}
