import type { Reader } from "../../wire/reader.ts";
import type { Writer } from "../../wire/writer.ts";
import type { Capability } from "./capability.ts";
import type { CapabilityRow } from "./capability-row.ts";
import { addPath } from "./add-path.ts";
import { enhancedRouteRefresh } from "./enhanced-route-refresh.ts";
import { extendedMessage } from "./extended-message.ts";
import { extendedNextHop } from "./extended-next-hop.ts";
import { fourOctetAs } from "./four-octet-as.ts";
import { gracefulRestart } from "./graceful-restart.ts";
import { longLivedGracefulRestart } from "./long-lived-graceful-restart.ts";
import { multiprotocol } from "./multiprotocol.ts";
import { role } from "./role.ts";
import { routeRefresh } from "./route-refresh.ts";

/** THE table: a capability is one file and one entry here (and a member of the union in capability.ts). */
const capabilityRows: readonly CapabilityRow[] = [
  multiprotocol,
  routeRefresh,
  extendedNextHop,
  extendedMessage,
  gracefulRestart,
  fourOctetAs,
  addPath,
  enhancedRouteRefresh,
  longLivedGracefulRestart,
  role,
];

const byCode: ReadonlyMap<number, CapabilityRow> = new Map(
  capabilityRows.map((row) => [row.code, row]),
);
const byName: ReadonlyMap<string, CapabilityRow> = new Map(
  capabilityRows.map((row) => [row.name, row]),
);

/**
 * Reads one capability with its code and length (RFC 5492 §4). A code without a row is `unknown` and keeps its octets.
 * @returns `undefined` when the value is malformed
 * @throws ShortReadError when it overruns the reader
 */
export function decodeCapability(reader: Reader): Capability | undefined {
  const code = reader.uint8();
  const value = reader.bytes(reader.uint8());
  const row = byCode.get(code);
  if (row === undefined) return { name: "unknown", code, value: value.slice() };
  return row.decode(value);
}

/** Writes one capability with its code and length. @throws RangeError when its value exceeds 255 octets */
export function encodeCapability(capability: Capability, writer: Writer): void {
  if (capability.name === "unknown") {
    const { code, value } = capability;
    writer.uint8(code).lengthUint8(() => {
      writer.bytes(value);
    });
    return;
  }
  const row = byName.get(capability.name);
  if (row === undefined) throw new RangeError(`capability ${capability.name} has no row`);
  writer.uint8(row.code).lengthUint8(() => {
    row.encode(capability, writer);
  });
}

/** For people: code, name (`graceful-restart`) and value (`restart time 120 s, ipv4-unicast`). */
export function describeCapability(capability: Capability): {
  readonly code: number;
  readonly name: string;
  readonly text: string;
} {
  if (capability.name === "unknown") {
    const { code, value } = capability;
    return { code, name: "unknown", text: `${value.length} octets` };
  }
  const row = byName.get(capability.name);
  if (row === undefined) throw new RangeError(`capability ${capability.name} has no row`);
  const name = capability.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { code: row.code, name, text: row.format(capability) };
}
