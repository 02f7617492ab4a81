/** Well-known communities, https://www.iana.org/assignments/bgp-well-known-communities */
export const WellKnownCommunity = {
  gracefulShutdown: 0xffff0000, // RFC 8326
  llgrStale: 0xffff0006, // RFC 9494
  noLlgr: 0xffff0007, // RFC 9494
  blackhole: 0xffff029a, // RFC 7999
  noExport: 0xffffff01, // RFC 1997
  noAdvertise: 0xffffff02, // RFC 1997
  noExportSubconfed: 0xffffff03, // RFC 1997
  noPeer: 0xffffff04, // RFC 3765
} as const;

/** `gracefulShutdown` → `graceful-shutdown` */
const names: ReadonlyMap<number, string> = new Map(
  Object.entries(WellKnownCommunity).map(([name, value]) => [
    value,
    name.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`),
  ]),
);
const values: ReadonlyMap<string, number> = new Map(
  [...names].map(([value, name]) => [name, value]),
);

/** Names of the well-known communities. */
export const communityNames: readonly string[] = [...values.keys()];

/** `65001:100`, or the name of a well-known one: `no-export`. */
export function formatCommunity(community: number): string {
  return names.get(community) ?? `${community >>> 16}:${community & 0xffff}`;
}

/** Reads what `formatCommunity` writes, RFC 1997. */
export function parseCommunity(text: string): number | undefined {
  const parts = numbers(text, 2, 0xffff);
  if (parts === undefined) return values.get(text);
  const [high = 0, low = 0] = parts;
  return high * 0x10000 + low;
}

/** A large community, RFC 8092: unsigned 32-bit each. */
export type LargeCommunity = readonly [global: number, local1: number, local2: number];

/** `64512:1:2` */
export function formatLargeCommunity(community: LargeCommunity): string {
  return community.join(":");
}

/** Reads `64512:1:2`. */
export function parseLargeCommunity(text: string): LargeCommunity | undefined {
  const parts = numbers(text, 3, 0xffffffff);
  if (parts === undefined) return undefined;
  const [global = 0, local1 = 0, local2 = 0] = parts;
  return [global, local1, local2];
}

function numbers(text: string, count: number, maximum: number): number[] | undefined {
  const parts = text.split(":");
  if (parts.length !== count || !parts.every((part) => /^\d{1,10}$/.test(part))) return undefined;
  const found = parts.map(Number);
  return found.every((number) => number <= maximum) ? found : undefined;
}
