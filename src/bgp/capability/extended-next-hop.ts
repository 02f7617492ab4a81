import { formatFamily } from "../family/format-family.ts";
import { Afi, CapabilityCode } from "../iana.ts";
import type { CapabilityNamed, CapabilityRow } from "./capability-row.ts";

const entryOctets = 6;

/** Extended Next Hop Encoding, RFC 8950 §4: triples of NLRI AFI, NLRI SAFI and next hop AFI, two octets each. */
export const extendedNextHop: CapabilityRow<CapabilityNamed<"extendedNextHop">> = {
  code: CapabilityCode.extendedNextHop,
  name: "extendedNextHop",
  decode: (value) => {
    if (value.length % entryOctets !== 0) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const families = Array.from({ length: value.length / entryOctets }, (_, index) => {
      const at = index * entryOctets;
      const [afi, safi] = [view.getUint16(at), view.getUint16(at + 2)];
      return { afi, safi, nextHopAfi: view.getUint16(at + 4) };
    });
    return { name: "extendedNextHop", families };
  },
  encode: ({ families }, writer) => {
    for (const { afi, safi, nextHopAfi } of families) {
      writer.uint16(afi).uint16(safi).uint16(nextHopAfi);
    }
  },
  format: ({ families }) =>
    families
      .map(({ afi, safi, nextHopAfi }) => `${formatFamily(afi, safi)} over ${afiName(nextHopAfi)}`)
      .join(", "),
};

function afiName(afi: number): string {
  if (afi === Afi.ipv4) return "IPv4";
  return afi === Afi.ipv6 ? "IPv6" : `AFI ${afi}`;
}
