import { CapabilityCode } from "../iana.ts";
import { bareCapability } from "./capability-row.ts";

/** BGP Extended Message, RFC 8654 §3. */
export const extendedMessage = bareCapability(CapabilityCode.extendedMessage, {
  name: "extendedMessage",
});
