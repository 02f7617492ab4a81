import type { NotificationMessage, OpenMessage } from "../message/message.ts";
import type { ConnectionId } from "./event.ts";
import type { Negotiated } from "./negotiate.ts";
import type { FsmState } from "./state.ts";

/** Timers of the peer as a whole. IdleHoldTimer runs after a failure, and in Established until failures are forgotten. */
export type PeerTimer = "connectRetryTimer" | "idleHoldTimer";

/** Timers of one connection. */
export type ConnectionTimer = "holdTimer" | "keepaliveTimer" | "sendHoldTimer";

/** Why a session or an attempt ended: for `status`, logs and the peer's history. */
export interface DownReason {
  /** The RFC 4271 event that ended it, as in event.ts. */
  readonly event: string;
  /** One sentence for people. */
  readonly text: string;
  /** Whether the NOTIFICATION below was sent or received. */
  readonly direction?: "sent" | "received";
  readonly notification?: NotificationMessage;
}

/** What the driver is to do, in order. Timers are data: starting one that runs restarts it. */
export type FsmAction =
  /** Open a TCP connection to the peer, to be known by this id. */
  | { readonly type: "connect"; readonly connection: ConnectionId }
  /** Close it (after what was sent is flushed); nothing more will be heard of it. */
  | { readonly type: "close"; readonly connection: ConnectionId }
  | { readonly type: "sendOpen"; readonly connection: ConnectionId; readonly open: OpenMessage }
  | { readonly type: "sendKeepalive"; readonly connection: ConnectionId }
  | {
      readonly type: "sendNotification";
      readonly connection: ConnectionId;
      readonly notification: NotificationMessage;
    }
  | { readonly type: "startPeerTimer"; readonly timer: PeerTimer; readonly delayMs: number }
  | { readonly type: "stopPeerTimer"; readonly timer: PeerTimer }
  | {
      readonly type: "startTimer";
      readonly timer: ConnectionTimer;
      readonly connection: ConnectionId;
      readonly delayMs: number;
    }
  | {
      readonly type: "stopTimer";
      readonly timer: ConnectionTimer;
      readonly connection: ConnectionId;
    }
  | {
      readonly type: "established";
      readonly connection: ConnectionId;
      readonly negotiated: Negotiated;
    }
  /** An Established session ended (`wasEstablished`), or an attempt failed. */
  | { readonly type: "down"; readonly reason: DownReason; readonly wasEstablished: boolean }
  | { readonly type: "stateChange"; readonly from: FsmState; readonly to: FsmState };
