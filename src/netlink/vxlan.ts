import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { type AttributeWriter, attributeUint32, walkAttributes } from "./attribute.ts";
import { VxlanAttribute } from "./constants.ts";

/** What makes a VXLAN device what it is; neither number nor port can be changed later. */
export interface VxlanSettings {
  /** The network's number, 0 to 2^24-1. */
  readonly id: number;
  /** UDP port. */
  readonly port: number;
  /** Canonical address that its packets come from. */
  readonly local: string | undefined;
  /** Whether it learns from packets who is where. */
  readonly learning: boolean;
}

/** Reads IFLA_INFO_DATA of a VXLAN device. */
export function decodeVxlan(data: Uint8Array): VxlanSettings {
  let [id, port, learning] = [0, 0, false];
  let local: string | undefined;
  walkAttributes(data, (type, value) => {
    if (type === VxlanAttribute.id) id = attributeUint32(value);
    else if (type === VxlanAttribute.port) {
      port = ((value[0] as number) << 8) | (value[1] as number);
    } else if (type === VxlanAttribute.learning) learning = value[0] !== 0;
    else if (type === VxlanAttribute.local || type === VxlanAttribute.local6) {
      local = formatIpAddress(value);
    }
  });
  return { id, port, local, learning };
}

/** Writes what `decodeVxlan` reads; of a device that is there the port is left out, which may not even be said again. */
export function writeVxlan(
  data: AttributeWriter,
  { id, port, local, learning }: VxlanSettings,
  isNew: boolean,
): void {
  data.uint32(VxlanAttribute.id, id);
  if (isNew) data.bytes(VxlanAttribute.port, Uint8Array.of(port >>> 8, port & 255));
  data.bytes(VxlanAttribute.learning, Uint8Array.of(Number(learning)));
  const octets = local === undefined ? undefined : parseIpAddress(local);
  if (octets === undefined) return;
  data.bytes(octets.length === 4 ? VxlanAttribute.local : VxlanAttribute.local6, octets);
}
