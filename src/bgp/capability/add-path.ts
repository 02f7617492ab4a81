import { formatFamily } from "../family/format-family.ts";
import { CapabilityCode } from "../iana.ts";
import type { AddPathCapability } from "./capability.ts";
import type { CapabilityRow } from "./capability-row.ts";

const familyOctets = 4;
const mode = { receive: 1, send: 2, both: 3 } as const;

function decode(value: Uint8Array): AddPathCapability | undefined {
  if (value.length % familyOctets !== 0) return undefined;
  const families = Array.from({ length: value.length / familyOctets }, (_, index) => {
    const [high = 0, low = 0, safi = 0, sendReceive] = value.subarray(index * familyOctets);
    return {
      afi: (high << 8) | low,
      safi,
      receive: sendReceive === mode.receive || sendReceive === mode.both,
      send: sendReceive === mode.send || sendReceive === mode.both,
    };
  });
  return { name: "addPath", families };
}

/** ADD-PATH, RFC 7911 §4. A Send/Receive field of no known value stands for neither. */
export const addPath: CapabilityRow<AddPathCapability> = {
  code: CapabilityCode.addPath,
  name: "addPath",
  decode,
  encode: ({ families }, writer) => {
    for (const { afi, safi, receive, send } of families) {
      writer.uint16(afi).uint8(safi);
      writer.uint8((receive ? mode.receive : 0) | (send ? mode.send : 0));
    }
  },
  format: ({ families }) =>
    families
      .map(({ afi, safi, receive, send }) => {
        const directions = [receive && "receive", send && "send"].filter(Boolean);
        return `${formatFamily(afi, safi)} ${directions.join(" and ") || "neither way"}`;
      })
      .join(", "),
};
