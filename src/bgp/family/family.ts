import type { IpVersion } from "../../net/ip-address.ts";
import type { Writer } from "../../wire/writer.ts";
import type { NextHop } from "./next-hop.ts";
import type { VisitNlri } from "./nlri.ts";

/** All that varies with AFI and SAFI: a row of the table in index.ts. */
export interface Family {
  readonly afi: number;
  readonly safi: number;
  /** `familyKey(afi, safi)` */
  readonly key: number;
  /** `ipv4-unicast` */
  readonly name: string;
  readonly version: IpVersion;
  /** 32 or 128 */
  readonly maximumLengthBits: number;
  /**
   * Reads the Next Hop field of MP_REACH_NLRI; `undefined` when its length does not fit the family (RFC 7606 §7.11).
   * @param extended whether it may be of another IP version (RFC 8950)
   */
  readonly decodeNextHop: (octets: Uint8Array, extended?: boolean) => NextHop | undefined;
  /** Writes that field without its length. @throws RangeError when no route of the family can have such an address */
  readonly encodeNextHop: (nextHop: NextHop, writer: Writer) => void;
  /** Can a route use the next hop that this field holds? Its length was accepted by `decodeNextHop`. */
  readonly isUsableNextHop: (octets: Uint8Array) => boolean;
  /**
   * Visits the prefixes in `octets[start..end)` and allocates nothing.
   * @throws UpdateMessageError 3/10 at the first broken one, after the sound ones before it were visited (RFC 7606 §5.3)
   */
  readonly walkNlri: (
    octets: Uint8Array,
    start: number,
    end: number,
    addPath: boolean,
    visit: VisitNlri,
  ) => void;
}
