import type { CodecContext } from "../bgp/message/codec-context.ts";
import { families } from "../bgp/family/index.ts";
import type { AssumedSession } from "./captured.ts";

/** RFC 8654 §3; whether it was negotiated is not known. */
const largestMessageOctets = 65_535;

const noFamilies: ReadonlySet<number> = new Set();
const allFamilies: ReadonlySet<number> = new Set(families.map(({ key }) => key));

/** The codec of a session of which only so much is known. An internal one, unless said otherwise: it allows every attribute. */
export function assumedContext(session: AssumedSession, external = false): CodecContext {
  const addPath = session.addPath ? allFamilies : noFamilies;
  return {
    fourOctetAs: session.fourOctetAs,
    external,
    maximumMessageOctets: largestMessageOctets,
    extendedNextHop: true,
    addPathReceive: addPath,
    addPathSend: addPath,
  };
}
