import IPCIDR from "ip-cidr";
import { formatIpAddress, parseIpAddress } from "./ip-address.ts";
import { type Prefix, prefixFromOctets } from "./prefix.ts";

/**
 * Prefixes as operators write them. This is the one file that uses ip-cidr: it does the range arithmetic, after our own
 * strict reader has settled what the text means. ip-cidr alone would accept `10.0.0.0/08`, lose the length of
 * IPv4-mapped prefixes and refuse `64:ff9b::1.2.3.4/96`; its `contains` ignores the IP version and is never used.
 */

/** What `readCidr` found: the prefix, or what is wrong and, where it can be told, what would be right. */
export type CidrReading =
  | { readonly prefix: Prefix }
  | {
      /** A clause that starts with the text itself: `10.233.1.5/24 has host bits set`. */
      readonly problem: string;
      /** A prefix that may be meant, in canonical text. */
      readonly suggestion?: string;
    };

/** Reads `address/length` as an operator wrote it. Never throws. */
export function readCidr(text: string): CidrReading {
  const [address = "", length, ...more] = text.trim().split("/");
  const octets = parseIpAddress(address);
  if (octets === undefined) return notAnAddress(text, address, length);
  if (more.length > 0) return { problem: `${text} has more than one slash` };
  if (length === undefined) {
    return {
      problem: `${text} has no prefix length`,
      suggestion: `${formatIpAddress(octets)}/${likelyLength(octets)}`,
    };
  }
  return readWithLength(text, octets, length);
}

function readWithLength(text: string, octets: Uint8Array, lengthText: string): CidrReading {
  const bits = octets.length * 8;
  const address = formatIpAddress(octets);
  const mask = octets.length === 4 ? netmaskLength(lengthText) : undefined;
  if (mask !== undefined) {
    return {
      problem: `${text} has a netmask where a length belongs`,
      suggestion: networkOf(octets, mask),
    };
  }
  if (!/^\d{1,3}$/.test(lengthText)) {
    return { problem: `${text} has no number from 0 to ${bits} after the slash` };
  }
  const length = Number(lengthText);
  if (length > bits) return { problem: `${text} has a length above ${bits}` };
  if (octets.length === 16 && address.startsWith("::ffff:") && address.includes(".")) {
    return mappedIpv4(text, octets, length);
  }
  const prefix = prefixFromOctets(octets, length);
  if (String(length) !== lengthText) {
    return { problem: `${text} has a length with leading zeros`, suggestion: prefix.text };
  }
  if (text !== text.trim()) {
    return { problem: `"${text}" has white space around it`, suggestion: prefix.text };
  }
  return prefix.text === `${address}/${length}`
    ? { prefix }
    : { problem: `${text} has host bits set`, suggestion: networkOf(octets, length) };
}

/** IPv4-mapped IPv6 addresses never appear in routes (RFC 4291 §2.5.5.2): what is meant is the IPv4 prefix. */
function mappedIpv4(text: string, octets: Uint8Array, length: number): CidrReading {
  const problem = `${text} is an IPv4-mapped IPv6 prefix`;
  if (length < 96) return { problem };
  return { problem, suggestion: networkOf(octets.subarray(12), length - 96) };
}

function notAnAddress(text: string, address: string, length: string | undefined): CidrReading {
  const problem = `${text} is not an IP prefix`;
  if (address.includes("%")) {
    return { problem: `${text} has a zone, which a prefix cannot have` };
  }
  const parts = address.split(".");
  if (parts.length > 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return { problem };
  const plain = parts.map((part) => String(Number(part)));
  const padded = [...plain, ...Array.from({ length: 4 - plain.length }, () => "0")].join(".");
  const octets = parseIpAddress(padded);
  if (octets === undefined) return { problem: `${text} has an octet above 255` };
  const meant = readCidr(`${padded}/${length ?? likelyLength(octets)}`);
  const suggestion = "prefix" in meant ? meant.prefix.text : meant.suggestion;
  const what = parts.length < 4 ? "has fewer than four octets" : "has an octet with leading zeros";
  return { problem: `${text} ${what}`, ...(suggestion !== undefined && { suggestion }) };
}

/** Bits up to the last octet that is not zero: 10.233.1.0 is likely a /24; an IPv6 address goes by groups of 16. */
function likelyLength(octets: Uint8Array): number {
  const step = octets.length === 4 ? 1 : 2;
  let used = octets.length;
  while (used > step && octets.subarray(used - step, used).every((octet) => octet === 0)) {
    used -= step;
  }
  return used * 8;
}

function netmaskLength(text: string): number | undefined {
  const octets = parseIpAddress(text);
  if (octets === undefined || octets.length !== 4) return undefined;
  const bits = [...octets].map((octet) => octet.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.replaceAll("0", "").length : undefined;
}

function networkOf(octets: Uint8Array, length: number): string {
  const { first } = cidrRange(`${formatIpAddress(octets)}/${length}`);
  return `${first}/${length}`;
}

/**
 * First and last address of a prefix, in canonical text, and how many addresses it holds.
 * @param cidr canonical address, slash, length; host bits may be set
 */
export function cidrRange(cidr: string): { first: string; last: string; size: bigint } {
  const range = new IPCIDR(cidr);
  return {
    first: canonical(range.start<string>()),
    last: canonical(range.end<string>()),
    // The typings name the wrapper object BigInt; the value is a primitive.
    size: range.size as unknown as bigint,
  };
}

function canonical(address: string): string {
  const octets = parseIpAddress(address);
  if (octets === undefined) throw new Error(`ip-cidr gave ${address}, which is not an address`);
  return formatIpAddress(octets);
}
