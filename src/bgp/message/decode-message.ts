import { headerOctets, MessageType } from "../iana.ts";
import type { CodecContext } from "./codec-context.ts";
import { decodeHeader } from "./header.ts";
import type {
  NotificationMessage,
  OpenMessage,
  RouteRefreshMessage,
  UpdateMessage,
} from "./message.ts";
import { decodeNotification } from "./notification.ts";
import { decodeOpen } from "./open.ts";
import { decodeRouteRefresh } from "./route-refresh.ts";
import { decodeUpdate } from "./update.ts";

/** Any message of BGP, RFC 4271 §4 and RFC 2918. */
export type BgpMessage =
  | { readonly type: "OPEN"; readonly open: OpenMessage }
  | { readonly type: "UPDATE"; readonly update: UpdateMessage }
  | { readonly type: "NOTIFICATION"; readonly notification: NotificationMessage }
  | { readonly type: "KEEPALIVE" }
  | { readonly type: "ROUTE-REFRESH"; readonly routeRefresh: RouteRefreshMessage };

/** Decodes one whole message, for tools and tests. @throws BgpError, and nothing else */
export function decodeMessage(message: Uint8Array, context: CodecContext): BgpMessage {
  const { type } = decodeHeader(message, context.maximumMessageOctets);
  const body = message.subarray(headerOctets);
  switch (type) {
    case MessageType.open:
      return { type: "OPEN", open: decodeOpen(body) };
    case MessageType.update:
      return { type: "UPDATE", update: decodeUpdate(body, context) };
    case MessageType.notification:
      return { type: "NOTIFICATION", notification: decodeNotification(body) };
    case MessageType.keepalive:
      return { type: "KEEPALIVE" };
    case MessageType.routeRefresh:
      return { type: "ROUTE-REFRESH", routeRefresh: decodeRouteRefresh(body) };
  }
}
