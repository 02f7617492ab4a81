import { Parser } from "binary-parser";
import { formatFamily } from "../family/format-family.ts";
import { CapabilityCode } from "../iana.ts";
import type { GracefulRestartCapability } from "./capability.ts";
import type { CapabilityRow } from "./capability-row.ts";

/** The fixed part and the families, RFC 4724 §3; N is RFC 8538 §2's. */
interface GracefulRestartFields {
  readonly restarted: 0 | 1;
  readonly notification: 0 | 1;
  readonly restartTimeSeconds: number;
  readonly families: readonly { readonly afi: number; readonly safi: number; flags: number }[];
}

const familyOctets = 4;
const forwardingPreservedFlag = 0x80;

const familyParser = new Parser().endianness("big").uint16("afi").uint8("safi").uint8("flags");

const parser = new Parser()
  .endianness("big")
  .bit1("restarted")
  .bit1("notification")
  .bit2("reserved")
  .bit12("restartTimeSeconds")
  .array("families", { type: familyParser, readUntil: "eof" });

function decode(value: Uint8Array): GracefulRestartCapability | undefined {
  if (value.length < 2 || (value.length - 2) % familyOctets !== 0) return undefined;
  const fields = parser.parse(value) as GracefulRestartFields;
  return {
    name: "gracefulRestart",
    restarted: fields.restarted === 1,
    notification: fields.notification === 1,
    restartTimeSeconds: fields.restartTimeSeconds,
    families: fields.families.map(({ afi, safi, flags }) => ({
      afi,
      safi,
      forwardingPreserved: (flags & forwardingPreservedFlag) !== 0,
    })),
  };
}

/** Graceful Restart. A restart time above 4095 seconds does not fit and goes out as 4095. */
export const gracefulRestart: CapabilityRow<GracefulRestartCapability> = {
  code: CapabilityCode.gracefulRestart,
  name: "gracefulRestart",
  decode,
  encode: ({ restarted, notification, restartTimeSeconds, families }, writer) => {
    const flags = (restarted ? 0x8000 : 0) | (notification ? 0x4000 : 0);
    writer.uint16(flags | Math.min(restartTimeSeconds, 0xfff));
    for (const { afi, safi, forwardingPreserved } of families) {
      writer.uint16(afi).uint8(safi);
      writer.uint8(forwardingPreserved ? forwardingPreservedFlag : 0);
    }
  },
  format: ({ restarted, notification, restartTimeSeconds, families }) => {
    const marks = [restarted && "restarted", notification && "with NOTIFICATION"].filter(Boolean);
    const list = families.map(({ afi, safi, forwardingPreserved }) => {
      return `${formatFamily(afi, safi)}${forwardingPreserved ? " (forwarding kept)" : ""}`;
    });
    return [`restart time ${restartTimeSeconds} s`, ...marks, ...list].join(", ");
  },
};
