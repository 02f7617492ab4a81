import { formatIpAddress } from "../../net/ip-address.ts";
import { formatHex } from "../../wire/hex.ts";
import { formatFamily } from "../family/format-family.ts";
import { familyByKey } from "../family/index.ts";
import { AttributeCode, UpdateSubcode } from "../iana.ts";
import { type CodecContext, familyKey } from "../message/codec-context.ts";
import { type AttributeRow, Malformed, type MpReach } from "./attribute-row.ts";

function malformedReach(message: string): Malformed {
  return new Malformed(UpdateSubcode.optionalAttributeError, message);
}

function decodeMpReach(
  value: Uint8Array,
  { extendedNextHop = false }: CodecContext,
): MpReach | Malformed {
  if (value.length < 5) return malformedReach(`${value.length} octets, not at least 5`);
  const afi = ((value[0] as number) << 8) | (value[1] as number);
  const safi = value[2] as number;
  const nextHopOctets = value[3] as number;
  // After the next hop stands one reserved octet, RFC 4760 §3.
  const nlriStart = 4 + nextHopOctets + 1;
  if (nlriStart > value.length) {
    return malformedReach(`a next hop of ${nextHopOctets} octets overruns the attribute`);
  }
  const nextHop = value.subarray(4, 4 + nextHopOctets);
  const family = familyByKey(familyKey(afi, safi));
  if (family !== undefined && family.decodeNextHop(nextHop, extendedNextHop) === undefined) {
    return malformedReach(`a next hop of ${nextHopOctets} octets does not fit ${family.name}`);
  }
  return { afi, safi, nextHop, nlri: value.subarray(nlriStart) };
}

/**
 * MP_REACH_NLRI, RFC 4760 §3. Malformed means that the NLRI cannot be found, which leaves the reset (RFC 7606 §7.11); a
 * next hop that no host can have is judged with the whole UPDATE, for then the NLRI is known.
 */
export const mpReachNlri: AttributeRow<"mpReach"> = {
  code: AttributeCode.mpReachNlri,
  name: "mpReach",
  title: "MP_REACH_NLRI",
  category: "optional non-transitive",
  malformed: "session-reset",
  decode: decodeMpReach,
  encode: ({ afi, safi, nextHop, nlri }, writer) => {
    writer.uint16(afi).uint8(safi).uint8(nextHop.length).bytes(nextHop).uint8(0).bytes(nlri);
  },
  format: ({ afi, safi, nextHop, nlri }) =>
    `${formatFamily(afi, safi)}, next hop ${formatNextHop(nextHop)}, ${nlri.length} octets of NLRI`,
};

/** One address or the two of RFC 2545; octets where it is something else. */
function formatNextHop(octets: Uint8Array): string {
  if (octets.length === 4 || octets.length === 16) return formatIpAddress(octets);
  if (octets.length !== 32) return `0x${formatHex(octets)}`;
  return `${formatIpAddress(octets.subarray(0, 16))} ${formatIpAddress(octets.subarray(16))}`;
}
