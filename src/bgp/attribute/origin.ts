import { AttributeCode, Origin, UpdateSubcode } from "../iana.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

const names: Readonly<Record<Origin, string>> = {
  [Origin.igp]: "IGP",
  [Origin.egp]: "EGP",
  [Origin.incomplete]: "incomplete",
};

/** `IGP`, `EGP` or `incomplete`. */
export function formatOrigin(origin: Origin): string {
  return names[origin];
}

/** ORIGIN, RFC 4271 §5.1.1; malformed: RFC 7606 §7.1. */
export const origin: AttributeRow<"origin"> = {
  code: AttributeCode.origin,
  name: "origin",
  title: "ORIGIN",
  category: "well-known mandatory",
  malformed: "treat-as-withdraw",
  decode: (value) => {
    if (value.length !== 1) return wrongLength(value.length, "1");
    const code = value[0] as number;
    if (code > Origin.incomplete) {
      return new Malformed(UpdateSubcode.invalidOriginAttribute, `${code} is no origin`);
    }
    return code as Origin;
  },
  encode: (value, writer) => {
    writer.uint8(value);
  },
  format: formatOrigin,
};
