/**
 * Code points, one block per registry. Names are the registry's; a row's RFC stands where it is not RFC 4271.
 */

/** https://www.iana.org/assignments/bgp-parameters — BGP Message Types */
export const MessageType = {
  open: 1,
  update: 2,
  notification: 3,
  keepalive: 4,
  routeRefresh: 5, // RFC 2918
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** BGP Path Attributes */
export const AttributeCode = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  multiExitDisc: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8, // RFC 1997
  originatorId: 9, // RFC 4456
  clusterList: 10, // RFC 4456
  mpReachNlri: 14, // RFC 4760
  mpUnreachNlri: 15, // RFC 4760
  extendedCommunities: 16, // RFC 4360
  as4Path: 17, // RFC 6793
  as4Aggregator: 18, // RFC 6793
  pmsiTunnel: 22, // RFC 6514
  tunnelEncapsulation: 23, // RFC 9012
  trafficEngineering: 24, // RFC 5543
  ipv6ExtendedCommunities: 25, // RFC 5701
  aigp: 26, // RFC 7311
  peDistinguisherLabels: 27, // RFC 6514
  bgpLs: 29, // RFC 9552
  largeCommunities: 32, // RFC 8092
  onlyToCustomer: 35, // RFC 9234
  bfdDiscriminator: 38, // RFC 9026
  prefixSid: 40, // RFC 8669
  attributeSet: 128, // RFC 6368
} as const;
export type AttributeCode = (typeof AttributeCode)[keyof typeof AttributeCode];

/** Path attribute flags, RFC 4271 §4.3 */
export const AttributeFlag = {
  optional: 0x80,
  transitive: 0x40,
  partial: 0x20,
  extendedLength: 0x10,
} as const;

/** BGP Error (Notification) Codes */
export const ErrorCode = {
  messageHeader: 1,
  openMessage: 2,
  updateMessage: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefreshMessage: 7, // RFC 7313
  sendHoldTimerExpired: 8, // RFC 9687
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Message Header Error subcodes */
export const HeaderSubcode = {
  connectionNotSynchronized: 1,
  badMessageLength: 2,
  badMessageType: 3,
} as const;

/** OPEN Message Error subcodes */
export const OpenSubcode = {
  unspecific: 0,
  unsupportedVersionNumber: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7, // RFC 5492
  roleMismatch: 11, // RFC 9234
} as const;

/** UPDATE Message Error subcodes */
export const UpdateSubcode = {
  malformedAttributeList: 1,
  unrecognizedWellKnownAttribute: 2,
  missingWellKnownAttribute: 3,
  attributeFlagsError: 4,
  attributeLengthError: 5,
  invalidOriginAttribute: 6,
  invalidNextHopAttribute: 8,
  optionalAttributeError: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

/** Finite State Machine Error subcodes, RFC 6608 */
export const FsmSubcode = {
  unspecified: 0,
  unexpectedInOpenSent: 1,
  unexpectedInOpenConfirm: 2,
  unexpectedInEstablished: 3,
} as const;

/** Cease subcodes, RFC 4486, 8538, 9384 */
export const CeaseSubcode = {
  maximumNumberOfPrefixesReached: 1,
  administrativeShutdown: 2,
  peerDeConfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

/** Subtypes of ROUTE-REFRESH, RFC 7313 §3.2 */
export const RefreshSubtype = { request: 0, begin: 1, end: 2 } as const;

/** ROUTE-REFRESH Message Error subcodes, RFC 7313 */
export const RouteRefreshSubcode = { invalidMessageLength: 1 } as const;

/** Capability Codes */
export const CapabilityCode = {
  multiprotocol: 1, // RFC 2858
  routeRefresh: 2, // RFC 2918
  extendedNextHop: 5, // RFC 8950
  extendedMessage: 6, // RFC 8654
  role: 9, // RFC 9234
  gracefulRestart: 64, // RFC 4724
  fourOctetAs: 65, // RFC 6793
  addPath: 69, // RFC 7911
  enhancedRouteRefresh: 70, // RFC 7313
  longLivedGracefulRestart: 71, // RFC 9494
  fqdn: 73,
} as const;

/** Address Family Numbers */
export const Afi = { ipv4: 1, ipv6: 2 } as const;

/** Subsequent Address Family Identifiers */
export const Safi = { unicast: 1, multicast: 2 } as const;

/** ORIGIN values, RFC 4271 §5.1.1; the lower is preferred */
export const Origin = { igp: 0, egp: 1, incomplete: 2 } as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

/** AS_PATH segment types; the confederation ones are RFC 5065 */
export const AsPathSegmentType = {
  asSet: 1,
  asSequence: 2,
  asConfedSequence: 3,
  asConfedSet: 4,
} as const;
export type AsPathSegmentType = (typeof AsPathSegmentType)[keyof typeof AsPathSegmentType];

/** AS_TRANS stands for a 4-octet AS number where only two octets fit, RFC 6793 */
export const asTrans = 23456;

/** The protocol version of the OPEN message */
export const bgpVersion = 4;

/** Octets of the message header, RFC 4271 §4.1 */
export const headerOctets = 19;

/** The largest message without RFC 8654, octets with the header */
export const maximumMessageOctets = 4096;

/** The largest message with it */
export const extendedMessageOctets = 65_535;

/** The TCP port of BGP */
export const bgpPort = 179;
