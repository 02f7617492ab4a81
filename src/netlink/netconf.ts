import { attributeUint32, walkAttributes } from "./attribute.ts";
import { AddressFamily, NetconfAttribute } from "./constants.ts";

/** Octets of `struct netconfmsg` (family u8), padded. */
const NETCONF_HEADER_OCTETS = 4;

/** Whose settings of which IP version have changed. */
export interface ChangedSetting {
  readonly version: 4 | 6;
  /** Negative for `all` (-1) and `default` (-2). */
  readonly ifindex: number;
  /** Whether packets are forwarded, where that is among what has changed. */
  readonly forwarding?: boolean;
}

/** Reads the payload of an RTM_NEWNETCONF; `undefined` when it is cut short or of another family. */
export function decodeNetconf(payload: Uint8Array): ChangedSetting | undefined {
  const family = payload[0];
  if (family !== AddressFamily.ipv4 && family !== AddressFamily.ipv6) return undefined;
  let ifindex: number | undefined;
  let forwarding: boolean | undefined;
  walkAttributes(payload.subarray(NETCONF_HEADER_OCTETS), (type, value) => {
    if (type === NetconfAttribute.ifindex) ifindex = attributeUint32(value) | 0;
    else if (type === NetconfAttribute.forwarding) forwarding = attributeUint32(value) !== 0;
  });
  if (ifindex === undefined) return undefined;
  const version = family === AddressFamily.ipv6 ? 6 : 4;
  return { version, ifindex, ...(forwarding !== undefined && { forwarding }) };
}
