/** Where a path came from, as far as its further distribution goes. */
export const PathSource = {
  none: 0,
  /** Originated here. */
  local: 1,
  external: 2,
  /** From an iBGP peer that is our reflection client (RFC 4456 §5). */
  client: 3,
  /** From any other iBGP peer. */
  nonClient: 4,
} as const;
export type PathSource = (typeof PathSource)[keyof typeof PathSource];

/** The peer index of paths originated here. */
export const localPeer = 0;

/** What the RIBs must know of a peer; the index is given out by the speaker, 0 is the speaker itself. */
export interface RibPeer {
  readonly index: number;
  /** Canonical text, for people. */
  readonly address: string;
  /** Sorts peers by address (RFC 4271 §9.1.2.2 g): 16 octets as 32 hex digits, IPv4 as IPv4-mapped. */
  readonly addressOrder: string;
  readonly source: PathSource;
  /** BGP identifier of its last session, unsigned 32-bit. */
  readonly identifier: number;
  /** Another number once somebody else speaks at the address: with another BGP identifier, or source. */
  readonly generation: number;
  /** The network device that our end of its last session is on, where that is known. */
  readonly device?: string | undefined;
}

const sourceBits = 3;

/**
 * What the RIBs remember of whose a path was, beside the index, in an octet: the source, and as much of the generation as
 * there is room for. Where it differs, who was sent the path is told anew, though it is the same.
 */
export function originOf({ source, generation }: RibPeer): number {
  return source | ((generation << sourceBits) & 0xff);
}

/** The `PathSource` in what `originOf` gave. */
export function sourceIn(origin: number): PathSource {
  return (origin & ((1 << sourceBits) - 1)) as PathSource;
}
