import { CapabilityCode } from "../iana.ts";
import type { Role } from "../role.ts";
import type { CapabilityNamed, CapabilityRow } from "./capability-row.ts";

/** RFC 9234 §4.1, table 1, by value. */
const roles: readonly Role[] = ["provider", "rs", "rs-client", "customer", "peer"];

/** BGP Role; a value that has no name is 255 here, as any other that matches nothing. */
export const role: CapabilityRow<CapabilityNamed<"role">> = {
  code: CapabilityCode.role,
  name: "role",
  decode: (value) => {
    if (value.length !== 1) return undefined;
    return { name: "role", role: roles[value[0] as number] };
  },
  encode: ({ role: own }, writer) => {
    writer.uint8(own === undefined ? 255 : roles.indexOf(own));
  },
  format: ({ role: own }) => own ?? "unknown",
};
