import { formatIpAddress } from "../net/ip-address.ts";
import { withoutWrongAddPath } from "./add-path-guess.ts";
import { assumedContext } from "./assumed-context.ts";
import type { AssumedSession, Emit } from "./captured.ts";
import type { MrtRecord } from "./mrt-record.ts";

/** How the message of a record is read. */
interface Bgp4mpSubtype {
  readonly fourOctetAs: boolean;
  /** Sent by whoever wrote the file. */
  readonly isLocal: boolean;
  readonly addPath: boolean;
}

/** RFC 6396 §4.4, RFC 8050 §3; state changes are no messages. */
const subtypes: ReadonlyMap<number, Bgp4mpSubtype> = new Map([
  [1, { fourOctetAs: false, isLocal: false, addPath: false }],
  [4, { fourOctetAs: true, isLocal: false, addPath: false }],
  [6, { fourOctetAs: false, isLocal: true, addPath: false }],
  [7, { fourOctetAs: true, isLocal: true, addPath: false }],
  [8, { fourOctetAs: false, isLocal: false, addPath: true }],
  [9, { fourOctetAs: true, isLocal: false, addPath: true }],
  [10, { fourOctetAs: false, isLocal: true, addPath: true }],
  [11, { fourOctetAs: true, isLocal: true, addPath: true }],
]);

const afiIpv6 = 2;

/** Tells the message of a BGP4MP record, if it holds one. @throws ShortReadError */
export function readBgp4mp(
  { place, reader, subtype, time }: MrtRecord,
  assumed: AssumedSession,
  emit: Emit,
): void {
  const row = subtypes.get(subtype);
  if (row === undefined) return;
  const { fourOctetAs } = row;
  const peerAsn = fourOctetAs ? reader.uint32() : reader.uint16();
  const localAsn = fourOctetAs ? reader.uint32() : reader.uint16();
  reader.uint16(); // the interface's index
  const addressOctets = reader.uint16() === afiIpv6 ? 16 : 4;
  const peer = formatIpAddress(reader.bytes(addressOctets));
  const local = formatIpAddress(reader.bytes(addressOctets));
  const session = { fourOctetAs, addPath: row.addPath || assumed.addPath };
  const octets = reader.rest();
  emit({
    place,
    octets,
    context: withoutWrongAddPath(octets, assumedContext(session, peerAsn !== localAsn)),
    time,
    ...(row.isLocal ? { from: local, to: peer } : { from: peer, to: local }),
  });
}
