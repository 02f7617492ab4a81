import { parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import type { PeerSettings } from "./peer-settings.ts";

/** Peers that nobody names: whoever connects from inside a prefix. */
export interface PeerRange {
  readonly prefix: Prefix;
  /** Peers of this range at a time, whatever their state. */
  readonly limit: number;
  /** Of every peer of the range; `name` defaults to the peer's address. */
  readonly settings: Omit<PeerSettings, "address" | "name"> & { readonly name?: string };
}

/** What has become of those who connected from a range. */
export interface RangeCounts {
  readonly peers: number;
  /** Refused since the limit was reached. */
  readonly overLimit: number;
}

interface RangeState {
  readonly range: PeerRange;
  peers: number;
  overLimit: number;
}

/**
 * Dynamic neighbours: which of those who connect unannounced become peers. What they can take up is bounded by the
 * limits of the ranges; those from elsewhere take up nothing.
 */
export class DynamicPeers {
  /** The longest prefix first. */
  #ranges: RangeState[] = [];
  readonly #rangeOfPeer = new Map<string, RangeState>();
  #strangers = 0;

  /** Refused since no range holds their address. */
  get strangers(): number {
    return this.#strangers;
  }

  *ranges(): Generator<RangeCounts & { readonly range: PeerRange }> {
    for (const { range, peers, overLimit } of this.#ranges) yield { range, peers, overLimit };
  }

  /** Puts other ranges in force. Peers stay counted where they are until `settingsOf` or `left` says otherwise. */
  setRanges(ranges: readonly PeerRange[]): void {
    const before = new Map(this.#ranges.map((state) => [state.range.prefix.text, state]));
    this.#ranges = ranges
      .map((range) => ({
        range,
        peers: 0,
        overLimit: before.get(range.prefix.text)?.overLimit ?? 0,
      }))
      .sort((a, b) => b.range.prefix.length - a.range.prefix.length);
    for (const address of this.#rangeOfPeer.keys()) {
      const state = this.#find(address);
      if (state === undefined) this.#rangeOfPeer.delete(address);
      else this.#count(address, state);
    }
  }

  #count(address: string, state: RangeState): void {
    this.#rangeOfPeer.set(address, state);
    state.peers++;
  }

  #find(address: string): RangeState | undefined {
    const octets = parseIpAddress(withoutZone(address));
    if (octets === undefined) return undefined;
    return this.#ranges.find(({ range }) => prefixContainsAddress(range.prefix, octets));
  }

  /** The settings of a peer that was admitted, by the ranges as they are now; `undefined` when no range holds it any more. */
  settingsOf(address: string): PeerSettings | undefined {
    const state = this.#rangeOfPeer.get(address);
    if (state === undefined) return undefined;
    const { name = address, ...settings } = state.range.settings;
    return { ...settings, address, name };
  }

  /** Takes a newcomer in. @param address canonical @returns its settings, or why it is refused */
  admit(address: string): PeerSettings | string {
    const state = this.#find(address);
    if (state === undefined) {
      this.#strangers++;
      return "no peer is configured with this address, and no range holds it";
    }
    const { prefix, limit } = state.range;
    if (state.peers >= limit) {
      state.overLimit++;
      return `the range ${prefix.text} has its ${limit} peers already`;
    }
    this.#count(address, state);
    return this.settingsOf(address) as PeerSettings; // it has just been counted
  }

  /** A peer is forgotten. */
  left(address: string): void {
    const state = this.#rangeOfPeer.get(address);
    if (state === undefined) return;
    this.#rangeOfPeer.delete(address);
    state.peers--;
  }
}
