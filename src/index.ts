/**
 * margay as a library: a BGP speaker and its codec. What is not exported here may change without notice.
 *
 * The codec works on octets and values and does no IO. `SpeakerDriver` is a whole speaker on TCP; give it a
 * `SpeakerConfig`, add peers, originate prefixes, and be told of sessions and best paths by a `SpeakerObserver`.
 */
export { formatAsPath } from "./bgp/attribute/as-path.ts";
export type {
  Aggregator,
  AsPathSegment,
  PathAttributes,
  UnknownAttribute,
} from "./bgp/attribute/path-attributes.ts";
export type { Capability, GracefulRestartCapability } from "./bgp/capability/capability.ts";
export { BgpError } from "./bgp/errors.ts";
export { type Family, familyByName, ipv4Unicast, ipv6Unicast } from "./bgp/family/index.ts";
export type { DownReason } from "./bgp/fsm/action.ts";
export type { Negotiated } from "./bgp/fsm/negotiate.ts";
export type { FsmState } from "./bgp/fsm/state.ts";
export * from "./bgp/iana.ts";
export { type CodecContext, familyKey } from "./bgp/message/codec-context.ts";
export { describeNotification } from "./bgp/message/describe-notification.ts";
export { encodeEndOfRib } from "./bgp/message/end-of-rib.ts";
export { type FramedMessage, Framer } from "./bgp/message/framer.ts";
export { encodeKeepalive } from "./bgp/message/keepalive.ts";
export type {
  AttributeError,
  FamilyNlri,
  MalformedOutcome,
  Nlri,
  NotificationMessage,
  OpenMessage,
  RouteRefreshMessage,
  UpdateMessage,
} from "./bgp/message/message.ts";
export { decodeNotification, encodeNotification } from "./bgp/message/notification.ts";
export { decodeOpen, encodeOpen } from "./bgp/message/open.ts";
export { decodeRouteRefresh, encodeRouteRefresh } from "./bgp/message/route-refresh.ts";
export { decodeUpdate, encodeUpdate } from "./bgp/message/update.ts";
export type { PeerRange } from "./bgp/dynamic-peers.ts";
export type { Peer } from "./bgp/peer.ts";
export type { PeerSettings } from "./bgp/peer-settings.ts";
export type { FamilyRib } from "./bgp/rib/family-rib.ts";
export type { LocRibChanges } from "./bgp/rib/loc-rib.ts";
export { Speaker } from "./bgp/speaker.ts";
export type { SpeakerConfig } from "./bgp/speaker-config.ts";
export type { SpeakerObserver, SpeakerPorts, SpeakerTimer } from "./bgp/speaker-ports.ts";
export { WellKnownCommunity } from "./net/community.ts";
export { parsePrefix, type Prefix } from "./net/prefix.ts";
export { type Clock, type Timer } from "./platform/clock.ts";
export { nodeClock } from "./platform/node-clock.ts";
export { nodeTcp } from "./platform/node-tcp.ts";
export { nodeRandom, type Random } from "./platform/random.ts";
export { type Tcp, type TcpConnection, TcpListenError } from "./platform/tcp.ts";
export { Recorder } from "./recording/recorder.ts";
export { RecordingError } from "./recording/records.ts";
export {
  type PeerOutput,
  type Replayed,
  replay,
  type ReplayOptions,
} from "./recording/replay.ts";
export {
  type CreateSpeaker,
  SpeakerDriver,
  type SpeakerDriverOptions,
} from "./session/speaker-driver.ts";
