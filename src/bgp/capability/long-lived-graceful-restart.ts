import { Parser } from "binary-parser";
import { formatFamily } from "../family/format-family.ts";
import { CapabilityCode } from "../iana.ts";
import type { LongLivedGracefulRestartCapability } from "./capability.ts";
import type { CapabilityRow } from "./capability-row.ts";

/** RFC 9494 §3.1 */
interface Fields {
  readonly families: readonly {
    readonly afi: number;
    readonly safi: number;
    readonly flags: number;
    readonly staleTimeHigh: number;
    readonly staleTimeLow: number;
  }[];
}

const familyOctets = 7;
const forwardingPreservedFlag = 0x80;

const familyParser = new Parser()
  .endianness("big")
  .uint16("afi")
  .uint8("safi")
  .uint8("flags")
  .uint8("staleTimeHigh")
  .uint16("staleTimeLow");

const parser = new Parser()
  .endianness("big")
  .array("families", { type: familyParser, readUntil: "eof" });

function decode(value: Uint8Array): LongLivedGracefulRestartCapability | undefined {
  if (value.length % familyOctets !== 0) return undefined;
  const { families } = parser.parse(value) as Fields;
  return {
    name: "longLivedGracefulRestart",
    families: families.map(({ afi, safi, flags, staleTimeHigh, staleTimeLow }) => ({
      afi,
      safi,
      forwardingPreserved: (flags & forwardingPreservedFlag) !== 0,
      staleTimeSeconds: staleTimeHigh * 0x10000 + staleTimeLow,
    })),
  };
}

/** Long-Lived Graceful Restart. A stale time above 16777215 seconds does not fit and goes out as that. */
export const longLivedGracefulRestart: CapabilityRow<LongLivedGracefulRestartCapability> = {
  code: CapabilityCode.longLivedGracefulRestart,
  name: "longLivedGracefulRestart",
  decode,
  encode: ({ families }, writer) => {
    for (const { afi, safi, forwardingPreserved, staleTimeSeconds } of families) {
      const seconds = Math.min(staleTimeSeconds, longestStaleTimeSeconds);
      writer.uint16(afi).uint8(safi);
      writer.uint8(forwardingPreserved ? forwardingPreservedFlag : 0);
      writer.uint8(seconds >>> 16).uint16(seconds & 0xffff);
    }
  },
  format: ({ families }) =>
    families
      .map(({ afi, safi, forwardingPreserved, staleTimeSeconds }) => {
        const kept = forwardingPreserved ? " (forwarding kept)" : "";
        return `${formatFamily(afi, safi)} ${staleTimeSeconds} s${kept}`;
      })
      .join(", "),
};

/** 24 bits */
export const longestStaleTimeSeconds = 0xff_ffff;
