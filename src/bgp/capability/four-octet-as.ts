import { readIpv4 } from "../../net/ip-address.ts";
import { CapabilityCode } from "../iana.ts";
import type { CapabilityNamed, CapabilityRow } from "./capability-row.ts";

/** Support for 4-octet AS number, RFC 6793 §3. */
export const fourOctetAs: CapabilityRow<CapabilityNamed<"fourOctetAs">> = {
  code: CapabilityCode.fourOctetAs,
  name: "fourOctetAs",
  decode: (value) =>
    value.length === 4 ? { name: "fourOctetAs", asn: readIpv4(value) } : undefined,
  encode: ({ asn }, writer) => {
    writer.uint32(asn);
  },
  format: ({ asn }) => String(asn),
};
