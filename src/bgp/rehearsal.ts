import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { ipv4Unicast } from "./family/index.ts";
import type { CodecContext } from "./message/codec-context.ts";
import { encodeKeepalive } from "./message/keepalive.ts";
import { encodeOpen } from "./message/open.ts";
import { UpdatePacker } from "./message/update-packer.ts";
import { Writer } from "../wire/writer.ts";
import type { PathAttributes } from "./attribute/path-attributes.ts";
import type { PeerRange } from "./dynamic-peers.ts";
import { Speaker } from "./speaker.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

const asn = 64_512;
const peers = 50;
const blocksEach = 4;
/** More than records have in a page: what grows is to be seen growing. */
const tablePrefixes = 9000;

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
 * Has a throw-away speaker reflect the routes of some clients, and of one that has a larger table, until the JavaScript engine has
 * compiled what each route runs through: a reflector that has just started is met by all its clients at once, and theirs would
 * be the first that it sees.
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
  const parts = everybody.map((peer) => (peer === 0 ? table() : podBlocks(peer)));
  while (mayContinue()) {
    for (const part of ["announced", "withdrawn"] as const) {
      connections.forEach((connection, peer) => {
        speaker.received(connection, (parts[peer] as Part)[part]);
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

/** What a client has to say: UPDATEs. */
interface Part {
  readonly announced: Uint8Array;
  readonly withdrawn: Uint8Array;
}

function podBlocks(peer: number): Part {
  const writer = new PartWriter();
  writer.begin({ origin: 0, asPath: [], nextHop: address(peer), localPref: 100 });
  for (let block = 1; block <= blocksEach; block++) writer.add([10, block, peer, 0], 26);
  return writer.finish();
}

/** Prefixes of several lengths in groups of several sizes, each with attributes of its own: what an internet table is made of. */
function table(): Part {
  const writer = new PartWriter();
  for (let group = 0, prefix = 0; prefix < tablePrefixes; group++) {
    writer.begin({
      origin: 0,
      asPath: [{ type: 2, asns: [3000 + (group % 7), 4000 + group].slice(group % 2) }],
      nextHop: address(0),
      localPref: 100,
      communities: Array.from({ length: 1 + (group % 3) }, (_, index) => group * 0x1_0000 + index),
    });
    for (const last = prefix + 1 + (group % 8); prefix < last; prefix++) {
      writer.add(
        [20 + (prefix >>> 14), (prefix >>> 6) & 0xff, (prefix & 0x3f) << 2, 0],
        22 + (prefix % 3),
      );
    }
  }
  return writer.finish();
}

class PartWriter {
  readonly #announced = new Writer();
  readonly #withdrawn = new Writer();
  readonly #announcing = new UpdatePacker(context, (message) => this.#announced.bytes(message));
  readonly #withdrawing = new UpdatePacker(context, (message) => this.#withdrawn.bytes(message));

  constructor() {
    this.#withdrawing.withdraw(ipv4Unicast);
  }

  begin(attributes: PathAttributes): void {
    this.#announcing.announce(ipv4Unicast, attributes);
  }

  add(octets: readonly number[], lengthBits: number): void {
    this.#announcing.add(Uint8Array.from(octets), 0, lengthBits);
    this.#withdrawing.add(Uint8Array.from(octets), 0, lengthBits);
  }

  finish(): Part {
    this.#announcing.flush();
    this.#withdrawing.flush();
    return { announced: this.#announced.finish(), withdrawn: this.#withdrawn.finish() };
  }
}

function address(peer: number): string {
  return `10.0.0.${peer + 1}`;
}
