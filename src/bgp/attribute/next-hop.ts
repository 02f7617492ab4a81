import { formatIpAddress, parseIpAddress } from "../../net/ip-address.ts";
import { isHostAddress } from "../family/next-hop.ts";
import { AttributeCode, UpdateSubcode } from "../iana.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

/**
 * NEXT_HOP, RFC 4271 §5.1.3: IPv4 alone. RFC 7606 §7.3 judges the length; an address that no host can have is treated
 * alike (RFC 4271 §6.3 leaves the choice), since a route to nowhere must not replace a good one.
 */
export const nextHop: AttributeRow<"nextHop"> = {
  code: AttributeCode.nextHop,
  name: "nextHop",
  title: "NEXT_HOP",
  category: "well-known",
  malformed: "treat-as-withdraw",
  decode: (value) => {
    if (value.length !== 4) return wrongLength(value.length, "4");
    const text = formatIpAddress(value);
    if (isHostAddress(value)) return text;
    return new Malformed(UpdateSubcode.invalidNextHopAttribute, `${text} is no host's address`);
  },
  encode: (value, writer) => {
    const octets = parseIpAddress(value);
    if (octets?.length !== 4) throw new RangeError(`NEXT_HOP ${value} is no IPv4 address`);
    writer.bytes(octets);
  },
  format: (value) => value,
};
