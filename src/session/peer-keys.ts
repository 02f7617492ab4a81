import { parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { prefixContainsAddress } from "../net/prefix.ts";
import type { TcpKey } from "../platform/tcp.ts";

/** The password of a peer at this address: that of the longest prefix it is in, as the kernel has it. */
export function passwordFor(keys: readonly TcpKey[], address: string): string | undefined {
  if (keys.length === 0) return undefined;
  const octets = parseIpAddress(withoutZone(address));
  if (octets === undefined) return undefined;
  let found: TcpKey | undefined;
  for (const key of keys) {
    if (!prefixContainsAddress(key.prefix, octets)) continue;
    if (found === undefined || key.prefix.length > found.prefix.length) found = key;
  }
  return found?.password;
}
