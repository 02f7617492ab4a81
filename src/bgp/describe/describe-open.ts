import { formatIpv4 } from "../../net/ip-address.ts";
import type { Capability } from "../capability/capability.ts";
import { describeCapability } from "../capability/index.ts";
import { formatHex } from "../../wire/hex.ts";
import { bgpVersion } from "../iana.ts";
import { decodeOpen } from "../message/open.ts";

/** OPEN, RFC 4271 §4.2; without properties where it is malformed. */
export interface DescribedOpen {
  readonly type: "open";
  readonly version?: number;
  readonly asn?: number;
  /** Seconds. */
  readonly holdTime?: number;
  /** Dotted quad. */
  readonly identifier?: string;
  readonly capabilities?: readonly DescribedCapability[];
}

interface DescribedCapability {
  readonly code: number;
  readonly name: string;
  /** For people; hex where the capability is not known here. */
  readonly value?: string;
}

/** @throws BgpError */
export function describeOpen(body: Uint8Array): DescribedOpen {
  const { asn, bgpIdentifier, capabilities, holdTimeSeconds } = decodeOpen(body);
  return {
    type: "open",
    version: bgpVersion,
    asn,
    holdTime: holdTimeSeconds,
    identifier: formatIpv4(bgpIdentifier),
    ...(capabilities.length > 0 && { capabilities: capabilities.map(describe) }),
  };
}

function describe(capability: Capability): DescribedCapability {
  const { code, name, text } = describeCapability(capability);
  const value = capability.name === "unknown" ? formatHex(capability.value) : text;
  return { code, name, ...(value !== "" && { value }) };
}
