import { formatIpv4, parseIpv4 } from "./ip-address.ts";

/** Octets of one, RFC 4360 §2. */
export const extendedCommunityOctets = 8;

/** Subtypes with a name: Route Target (RFC 4360 §4) and Route Origin (§5). */
const names = { rt: 2, ro: 3 } as const;

/** What the global administrator is, by type: an AS number of two octets, an address (RFC 4360 §3), an AS number of four (RFC 5668). */
const administrator = { asn: 0, address: 1, fourOctetAsn: 2 } as const;

/** In the type: not passed from one AS to the next, RFC 4360 §2. */
const nonTransitive = 0x40;

export function isTransitive(octets: Uint8Array): boolean {
  return ((octets[0] as number) & nonTransitive) === 0;
}

/** `rt:65001:100`, `ro:192.0.2.1:5`, or `0x` and the octets where the type is not one of RFC 4360's and RFC 5668's. */
export function formatExtendedCommunity(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, extendedCommunityOctets);
  const name = Object.entries(names).find(([, subtype]) => subtype === octets[1])?.[0];
  const type = view.getUint8(0) & ~nonTransitive;
  if (name !== undefined && type === administrator.asn) {
    return `${name}:${view.getUint16(2)}:${view.getUint32(4)}`;
  }
  if (name !== undefined && type === administrator.address) {
    return `${name}:${formatIpv4(view.getUint32(2))}:${view.getUint16(6)}`;
  }
  if (name !== undefined && type === administrator.fourOctetAsn) {
    return `${name}:${view.getUint32(2)}:${view.getUint16(6)}`;
  }
  return `0x${[...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("")}`;
}

/** Reads what `formatExtendedCommunity` writes: the transitive one of two that it writes alike. */
export function parseExtendedCommunity(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(extendedCommunityOctets);
  const hex = /^0x([\da-f]{16})$/i.exec(text)?.[1];
  if (hex !== undefined) {
    for (let at = 0; at < octets.length; at++) {
      octets[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
    }
    return octets;
  }
  const [, name = "", who = "", value = ""] = /^(r[to]):([\d.]+):(\d{1,10})$/.exec(text) ?? [];
  if (name === "") return undefined;
  const isAddress = who.includes(".");
  const global = isAddress ? parseIpv4(who) : /^\d{1,10}$/.test(who) ? Number(who) : undefined;
  if (global === undefined || global > 0xffff_ffff) return undefined;
  const isShort = !isAddress && global <= 0xffff;
  if (Number(value) > (isShort ? 0xffff_ffff : 0xffff)) return undefined;
  const view = new DataView(octets.buffer);
  const type = isAddress ? "address" : isShort ? "asn" : "fourOctetAsn";
  view.setUint8(0, administrator[type]);
  view.setUint8(1, names[name as keyof typeof names]); // the pattern has no others
  if (isShort) view.setUint16(2, global);
  else view.setUint32(2, global);
  if (isShort) view.setUint32(4, Number(value));
  else view.setUint16(6, Number(value));
  return octets;
}
