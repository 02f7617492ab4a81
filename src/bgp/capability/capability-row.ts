import type { Writer } from "../../wire/writer.ts";
import type { Capability } from "./capability.ts";

/** All there is to know of one capability: a row of the table in index.ts. */
export interface CapabilityRow<Value extends Capability = Capability> {
  readonly code: number;
  readonly name: Value["name"];
  /** Reads the value without code and length; `undefined` when it is malformed. */
  decode(value: Uint8Array): Value | undefined;
  /** Writes the value without code and length. */
  encode(capability: Value, writer: Writer): void;
  /** The value for people, without the name; empty where there is none. */
  format(capability: Value): string;
}

/** The member of the union with this name. */
export type CapabilityNamed<Name extends Capability["name"]> = Extract<Capability, { name: Name }>;

/** A row whose capability has no value: to have been sent is all it says. */
export function bareCapability<Value extends Capability>(
  code: number,
  capability: Value,
): CapabilityRow<Value> {
  return {
    code,
    name: capability.name,
    decode: (value) => (value.length === 0 ? capability : undefined),
    encode: () => {},
    format: () => "",
  };
}
