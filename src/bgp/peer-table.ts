import type { Peer } from "./peer.ts";
import { localPeer, PathSource, type RibPeer } from "./rib/source.ts";

/**
 * The peers by address, and by the small integers that paths know them by. The index of a peer that was removed is given
 * out again only after `reuseRetired`, since until then the RIBs may still speak of its paths.
 */
export class PeerTable {
  readonly #local: RibPeer;
  readonly #byAddress = new Map<string, Peer>();
  /** Index 0 is the speaker itself. */
  readonly #byIndex: (Peer | undefined)[] = [undefined];
  readonly #freeIndexes: number[] = [];
  readonly #retired: number[] = [];

  /** @param identifier the speaker's own BGP identifier, unsigned 32-bit */
  constructor(identifier: number) {
    const source = PathSource.local;
    const self = { index: localPeer, address: "local", addressOrder: "" };
    this.#local = { ...self, source, identifier, generation: 0 };
  }

  peers(): Iterable<Peer> {
    return this.#byAddress.values();
  }

  /** @param address canonical */
  byAddress(address: string): Peer | undefined {
    return this.#byAddress.get(address);
  }

  byIndex(index: number): Peer | undefined {
    return this.#byIndex[index];
  }

  /** The owner of paths under an index: a peer, or the speaker itself. @throws RangeError when nobody has it */
  ribPeer(index: number): RibPeer {
    const peer = index === localPeer ? this.#local : this.#byIndex[index];
    if (peer === undefined) throw new RangeError(`no peer has index ${index}`);
    return peer;
  }

  /** Adds the peer that `create` makes for a free index. */
  add(create: (index: number) => Peer): Peer {
    const peer = create(this.#freeIndexes.pop() ?? this.#byIndex.length);
    this.#byIndex[peer.index] = peer;
    this.#byAddress.set(peer.address, peer);
    return peer;
  }

  /** Takes a peer from its address; its index stays taken. */
  unlist(peer: Peer): void {
    this.#byAddress.delete(peer.address);
  }

  /** The peer's paths are withdrawn: its index is free once the Decision Process has seen them off. */
  retire(peer: Peer): void {
    this.#retired.push(peer.index);
  }

  reuseRetired(): void {
    for (const index of this.#retired) {
      this.#byIndex[index] = undefined;
      this.#freeIndexes.push(index);
    }
    this.#retired.length = 0;
  }
}
