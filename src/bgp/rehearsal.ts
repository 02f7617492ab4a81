import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { ipv4Unicast } from "./family/index.ts";
import type { CodecContext } from "./message/codec-context.ts";
import { encodeKeepalive } from "./message/keepalive.ts";
import { encodeOpen } from "./message/open.ts";
import { encodeUpdate } from "./message/update.ts";
import type { PeerRange } from "./dynamic-peers.ts";
import { Speaker } from "./speaker.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

const asn = 64_512;
const peers = 50;
const prefixesEach = 4;

const context: CodecContext = {
  fourOctetAs: true,
  external: false,
  maximumMessageOctets: 4096,
  addPathReceive: new Set(),
  addPathSend: new Set(),
};

/** Nothing goes anywhere, and no time passes. */
const ports: SpeakerPorts = {
  connect: () => {},
  noAnswerHint: () => undefined,
  localEnd: () => ({}),
  close: () => {},
  write: () => true,
  unsentOctets: () => 0,
  setReading: () => {},
  startTimer: () => {},
  stopTimer: () => {},
  wake: () => {},
  nowMs: () => 0,
  random: () => 0,
};

const clients: PeerRange = {
  prefix: parsePrefix("10.0.0.0/8") as Prefix,
  limit: peers,
  settings: {
    port: 179,
    kind: "client",
    asn,
    passive: true,
    client: true,
    families: [ipv4Unicast],
    importPrefixes: "any",
    importNever: [],
    advertise: "all",
    holdTimeSeconds: 90,
    connectRetrySeconds: 5,
    idleHoldSeconds: 1,
    idleHoldMaximumSeconds: 60,
    gracefulRestartSeconds: 0,
    minRouteAdvertisementIntervalSeconds: 0,
    extendedMessages: true,
    enhancedRouteRefresh: true,
    extendedOpenParameters: false,
  },
};

/**
 * Has a throw-away speaker reflect the routes of some clients, until the JavaScript engine has compiled what each route runs
 * through: a reflector that has just started is met by all its clients at once, and theirs would be the first that it sees.
 * @param mayContinue asked between rounds, each of which takes milliseconds
 */
export function rehearse(mayContinue: () => boolean): void {
  const speaker = new Speaker(
    { asn, identifier: 1, clusterId: 1, ownAddresses: [], nextHopSelf: {} },
    ports,
  );
  speaker.setRanges([clients]);
  const everybody = Array.from({ length: peers }, (_, peer) => peer);
  const connections = everybody.map((peer) => connect(speaker, peer));
  const announcements = everybody.map(announcement);
  const withdrawals = everybody.map(withdrawal);
  while (mayContinue()) {
    for (const messages of [announcements, withdrawals]) {
      connections.forEach((connection, peer) => {
        speaker.received(connection, messages[peer] as Uint8Array);
      });
      work(speaker);
    }
  }
}

function work(speaker: Speaker): void {
  while (speaker.turn(() => true));
}

/** @returns the connection of a client that is Established */
function connect(speaker: Speaker, peer: number): number {
  const connection = speaker.accepted(address(peer));
  if (typeof connection === "string") throw new Error(connection);
  speaker.confirmed(connection);
  const { afi, safi } = ipv4Unicast;
  const open = encodeOpen({
    asn,
    holdTimeSeconds: 90,
    bgpIdentifier: 0x0a_00_00_01 + peer,
    capabilities: [
      { name: "multiprotocol", afi, safi },
      { name: "fourOctetAs", asn },
    ],
  });
  speaker.received(connection, open);
  speaker.received(connection, encodeKeepalive());
  work(speaker);
  return connection;
}

function announcement(peer: number): Uint8Array {
  const attributes = { origin: 0, asPath: [], nextHop: address(peer), localPref: 100 } as const;
  const update = { attributes, announced: prefixes(peer), withdrawn: [], errors: [] };
  return encodeUpdate(update, context)[0] as Uint8Array;
}

function withdrawal(peer: number): Uint8Array {
  const update = { attributes: {}, announced: [], withdrawn: prefixes(peer), errors: [] };
  return encodeUpdate(update, context)[0] as Uint8Array;
}

function address(peer: number): string {
  return `10.0.0.${peer + 1}`;
}

function prefixes(peer: number) {
  return Array.from({ length: prefixesEach }, (_, index) => ({
    prefix: `10.${index + 1}.${peer}.0/26`,
  }));
}
