import type { Draft } from "./draft.ts";
import type { PeerGroups, PeerOptions, RangeOptions } from "./peer-schema.ts";

/** The parts of a file's draft that speak of peers. */
export interface PeersDraft {
  readonly peers: Draft<(PeerOptions & { address: string; group?: string | undefined })[]>;
  readonly peerGroups: Draft<PeerGroups>;
  readonly ranges: Draft<RangeOptions[]>;
}
