import { parsePrefix, type Prefix, prefixContains, prefixesOverlap } from "./prefix.ts";

interface Martian {
  readonly prefix: Prefix;
  readonly use: string;
}

function martian(text: string, use: string): Martian {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} is not a prefix`);
  return { prefix, use };
}

/** Blocks of the IANA special-purpose registries that no router forwards between hosts (RFC 6890), and multicast. */
const martians: readonly Martian[] = [
  martian("0.0.0.0/8", "this network (RFC 791)"),
  martian("127.0.0.0/8", "loopback (RFC 1122)"),
  martian("169.254.0.0/16", "link local (RFC 3927)"),
  martian("224.0.0.0/4", "multicast (RFC 5771)"),
  martian("240.0.0.0/4", "reserved (RFC 1112)"),
  martian("::/127", "unspecified and loopback (RFC 4291)"),
  martian("::ffff:0.0.0.0/96", "IPv4-mapped (RFC 4291)"),
  martian("fe80::/10", "link local (RFC 4291)"),
  martian("ff00::/8", "multicast (RFC 4291)"),
];

/** The blocks themselves: never a destination for anybody's pods. */
export const martianPrefixes: readonly Prefix[] = martians.map(({ prefix }) => prefix);

/** Is all of a prefix inside such a block? */
export function isInMartianBlock(prefix: Prefix): boolean {
  return martianPrefixes.some((block) => prefixContains(block, prefix));
}

/** Does a prefix hold such a block among others? */
export function holdsMartians(prefix: Prefix): boolean {
  return (
    !isInMartianBlock(prefix) && martianPrefixes.some((block) => prefixContains(prefix, block))
  );
}

/** What a prefix inside (or a shorter one around, other than a default route) a martian block collides with; `undefined` when routable. */
export function martianUse(prefix: Prefix): string | undefined {
  if (prefix.length === 0) return undefined;
  return martians.find((entry) => prefixesOverlap(entry.prefix, prefix))?.use;
}

/** The same for one address, given as its host prefix: only blocks that hold it count. */
export function martianAddressUse(host: Prefix): string | undefined {
  return martians.find((entry) => prefixContains(entry.prefix, host))?.use;
}
