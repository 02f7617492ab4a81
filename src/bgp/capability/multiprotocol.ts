import { formatFamily } from "../family/format-family.ts";
import { CapabilityCode } from "../iana.ts";
import type { CapabilityNamed, CapabilityRow } from "./capability-row.ts";

/** Multiprotocol Extensions, RFC 4760 §8: AFI, a reserved octet, SAFI. */
export const multiprotocol: CapabilityRow<CapabilityNamed<"multiprotocol">> = {
  code: CapabilityCode.multiprotocol,
  name: "multiprotocol",
  decode: (value) => {
    if (value.length !== 4) return undefined;
    const afi = ((value[0] as number) << 8) | (value[1] as number);
    return { name: "multiprotocol", afi, safi: value[3] as number };
  },
  encode: ({ afi, safi }, writer) => {
    writer.uint16(afi).uint8(0).uint8(safi);
  },
  format: ({ afi, safi }) => formatFamily(afi, safi),
};
