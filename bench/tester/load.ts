import { MessageType } from "../../src/bgp/iana.ts";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../src/bgp/family/index.ts";
import type { CodecContext } from "../../src/bgp/message/codec-context.ts";
import { UpdatePacker } from "../../src/bgp/message/update-packer.ts";
import { Writer } from "../../src/wire/writer.ts";
import { dotted, peerAddress, type Universe } from "./universe.ts";

/** What the senders of a run announce: sender `s` the prefixes `s * prefixesEach` and on. */
export interface Announcements {
  readonly universe: Universe;
  readonly senders: number;
  readonly prefixesEach: number;
  /**
   * How many prefixes share an attribute set, taken in turns; every set is another one. Without: all of a sender's share
   * one that differs from other senders' by its next hop alone, as the pod blocks of a node do.
   */
  readonly setSizes?: readonly number[];
  /** Are they announced in no order? */
  readonly shuffled: boolean;
}

/** Everything that one peer will say, encoded. */
export interface Load {
  readonly announce: Uint8Array;
  readonly withdraw: Uint8Array;
}

export interface Loads {
  readonly ofSenders: readonly Load[];
  /** Which attribute set a prefix has; undefined where it is the plain one. */
  readonly sets: Uint32Array | undefined;
}

const context: CodecContext = {
  fourOctetAs: true,
  external: false,
  maximumMessageOctets: 4096,
  addPathReceive: new Set(),
  addPathSend: new Set(),
};

/** The last AS number of set 0's path; by it a receiver sees which set a prefix came with. */
export const firstSetAsn = 100_000;

/** The attributes that a node announces its pod blocks with. */
function plainAttributes(nextHop: string): PathAttributes {
  return { origin: 0, asPath: [], nextHop, localPref: 100 };
}

/** A path of three to five AS numbers, the last of which names the set, and one to four communities. */
function setAttributes(nextHop: string, set: number): PathAttributes {
  const hops = 2 + (set % 3);
  const asns = Array.from(
    { length: hops },
    (_, hop) => 3000 + (((set >>> (3 * hop)) + hop * 977) % 20_000),
  );
  const communities = Array.from({ length: 1 + (set % 4) }, (_, index) => {
    return (3000 + index) * 0x1_0000 + ((set * 31 + index * 7) % 5000);
  });
  return {
    ...plainAttributes(nextHop),
    asPath: [{ type: 2, asns: [...asns, firstSetAsn + set] }],
    communities,
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** A step that visits all of `count` in an order that looks like none. */
function shufflingStep(count: number): number {
  let step = Math.floor(count * 0.618_033_988_7) | 1;
  while (greatestCommonDivisor(step, count) !== 1) step++;
  return step;
}

/** Gathers the UPDATEs of one sender, and what they withdraw again. */
class LoadWriter {
  readonly #universe: Universe;
  readonly #octets = new Uint8Array(4);
  readonly #announced = new Writer(1 << 16);
  readonly #withdrawn = new Writer(1 << 16);
  readonly #announcing = new UpdatePacker(context, (message) => this.#announced.bytes(message));
  readonly #withdrawing = new UpdatePacker(context, (message) => this.#withdrawn.bytes(message));

  constructor(universe: Universe) {
    this.#universe = universe;
    this.#withdrawing.withdraw(ipv4Unicast);
  }

  begin(attributes: PathAttributes): void {
    this.#announcing.announce(ipv4Unicast, attributes);
  }

  add(index: number): void {
    const address = this.#universe.address(index);
    for (let octet = 0; octet < 4; octet++) this.#octets[octet] = address >>> (24 - 8 * octet);
    const lengthBits = this.#universe.lengthBits(index);
    this.#announcing.add(this.#octets, 0, lengthBits);
    this.#withdrawing.add(this.#octets, 0, lengthBits);
  }

  finish(): Load {
    this.#announcing.flush();
    this.#withdrawing.flush();
    return { announce: this.#announced.finish(), withdraw: this.#withdrawn.finish() };
  }
}

/** One UPDATE that announces prefix `index` of a sender as its load does, and one that withdraws it. */
export function singleLoad(announcements: Announcements, index: number): Load {
  const writer = new LoadWriter(announcements.universe);
  const sender = Math.floor(index / announcements.prefixesEach);
  writer.begin(plainAttributes(dotted(peerAddress(sender))));
  writer.add(index);
  return writer.finish();
}

/** Encodes all that will be said, before any clock runs. */
export function buildLoads(announcements: Announcements): Loads {
  const { universe, senders, prefixesEach, setSizes, shuffled } = announcements;
  const sets = setSizes === undefined ? undefined : new Uint32Array(senders * prefixesEach);
  const step = shuffled ? shufflingStep(prefixesEach) : 1;
  let set = 0;
  let turn = 0;
  const ofSenders = Array.from({ length: senders }, (_, sender) => {
    const nextHop = dotted(peerAddress(sender));
    const writer = new LoadWriter(universe);
    let left = 0;
    if (setSizes === undefined) writer.begin(plainAttributes(nextHop));
    for (let count = 0; count < prefixesEach; count++) {
      const index = sender * prefixesEach + ((count * step) % prefixesEach);
      if (sets !== undefined && setSizes !== undefined) {
        if (left === 0) {
          left = setSizes[turn++ % setSizes.length] as number;
          writer.begin(setAttributes(nextHop, set++));
        }
        sets[index] = set - 1;
        left--;
      }
      writer.add(index);
    }
    return writer.finish();
  });
  return { ofSenders, sets };
}

/** The UPDATEs in a stream of whole messages. */
export function countUpdates(octets: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < octets.length; ) {
    if (octets[at + 18] === MessageType.update) count++;
    at += ((octets[at + 16] as number) << 8) | (octets[at + 17] as number);
  }
  return count;
}
