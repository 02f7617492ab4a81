import { formatFamily } from "../family/format-family.ts";
import { AttributeCode, UpdateSubcode } from "../iana.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";

/** MP_UNREACH_NLRI, RFC 4760 §4; malformed: RFC 7606 §7.12. */
export const mpUnreachNlri: AttributeRow<"mpUnreach"> = {
  code: AttributeCode.mpUnreachNlri,
  name: "mpUnreach",
  title: "MP_UNREACH_NLRI",
  category: "optional non-transitive",
  malformed: "session-reset",
  decode: (value) => {
    if (value.length < 3) {
      const message = `${value.length} octets, not at least 3`;
      return new Malformed(UpdateSubcode.optionalAttributeError, message);
    }
    const afi = ((value[0] as number) << 8) | (value[1] as number);
    return { afi, safi: value[2] as number, nlri: value.subarray(3) };
  },
  encode: ({ afi, safi, nlri }, writer) => {
    writer.uint16(afi).uint8(safi).bytes(nlri);
  },
  format: ({ afi, safi, nlri }) => `${formatFamily(afi, safi)}, ${nlri.length} octets of NLRI`,
};
