import type { BgpError } from "../errors.ts";
import type { NotificationMessage, OpenMessage } from "../message/message.ts";

/** Names one TCP connection of a speaker; never used twice in its life. */
export type ConnectionId = number;

/**
 * The second lets the idle hold time pass before it dials: a peer that saw our new connection before it read on the old one
 * why that ended would take it for lost (RFC 4724 §5).
 */
export type StartEvent = {
  readonly type: "ManualStart" | "AutomaticStart_with_DampPeerOscillations";
};

/** What may happen to a peer, in the words of RFC 4271 §8.1. */
export type FsmEvent =
  | StartEvent
  | {
      readonly type: "ManualStop";
      /** Cease subcode, RFC 4486; default Administrative Shutdown. */
      readonly subcode?: number;
      /** At most 255 octets of UTF-8, RFC 9003. */
      readonly message?: string;
    }
  /** The speaker itself ends the session, and wants none until ManualStart. */
  | {
      readonly type: "AutomaticStop";
      readonly notification: NotificationMessage;
      /** Why, for people. */
      readonly text: string;
    }
  /** The idle hold time after a failure is over. */
  | { readonly type: "IdleHoldTimer_Expires" }
  | { readonly type: "ConnectRetryTimer_Expires" }
  | { readonly type: "HoldTimer_Expires"; readonly connection: ConnectionId }
  | { readonly type: "KeepaliveTimer_Expires"; readonly connection: ConnectionId }
  /** RFC 9687 §3.2 */
  | { readonly type: "SendHoldTimer_Expires"; readonly connection: ConnectionId }
  /** The connection that a `connect` action asked for is up. */
  | { readonly type: "Tcp_CR_Acked"; readonly connection: ConnectionId }
  /** The peer connected to us; the driver made the id. */
  | { readonly type: "TcpConnectionConfirmed"; readonly connection: ConnectionId }
  | {
      readonly type: "TcpConnectionFails";
      readonly connection: ConnectionId;
      readonly reason: string;
    }
  | { readonly type: "BGPOpen"; readonly connection: ConnectionId; readonly open: OpenMessage }
  | { readonly type: "KeepAliveMsg"; readonly connection: ConnectionId }
  | {
      readonly type: "NotifMsg";
      readonly connection: ConnectionId;
      readonly notification: NotificationMessage;
    }
  | { readonly type: "UpdateMsg"; readonly connection: ConnectionId }
  | { readonly type: "RouteRefreshMsg"; readonly connection: ConnectionId }
  /** BGPHeaderErr, BGPOpenMsgErr, UpdateMsgErr: the error says which. */
  | { readonly type: "MessageError"; readonly connection: ConnectionId; readonly error: BgpError };
