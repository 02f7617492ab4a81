import { z } from "zod";
import { formatIpAddress, isLinkLocal, parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { readCidr } from "../net/cidr.ts";
import { martianAddressUse, martianUse } from "../net/martians.ts";
import { parseExtendedCommunity } from "../net/extended-community.ts";
import { hostPrefix, type Prefix } from "../net/prefix.ts";
import {
  communityNames,
  type LargeCommunity,
  parseCommunity,
  parseLargeCommunity,
} from "../net/community.ts";
import { didYouMean } from "./suggest.ts";

/** The kinds of value that the files are made of. Every message says what is wrong, a colon, what would be right. */

type TypeError = (issue: { readonly input?: unknown }) => string;

/** Names what stands there instead of what is wanted. `what` completes "is not …" and "give …". */
function wrongType(what: string): TypeError {
  return ({ input }) => {
    if (input === undefined) return `missing: give ${what}`;
    if (input === null) return `has no value: give ${what}`;
    return `${shown(input)} is not ${what}`;
  };
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a mapping";
  return JSON.stringify(input);
}

/** Text that is not empty. */
export function text(what: string): z.ZodString {
  const error = wrongType(what);
  return z.string({ error }).min(1, { error: `is empty: give ${what}` });
}

/** A number from `minimum` to `maximum`; `what` says what it counts, with its article and unit. */
export function quantity(what: string, minimum: number, maximum: number): z.ZodNumber {
  const error: TypeError = ({ input }) => {
    if (typeof input === "string" && input.trim() !== "" && Number.isFinite(Number(input))) {
      return `${JSON.stringify(input)} is text: write ${Number(input)} without quotes`;
    }
    if (typeof input === "number") {
      return `${input} is not possible: give ${what}, ${minimum} to ${maximum}`;
    }
    return wrongType(`${what}, ${minimum} to ${maximum}`)({ input });
  };
  return z.number({ error }).min(minimum, { error }).max(maximum, { error });
}

/** The same without fractions. */
export function count(what: string, minimum: number, maximum: number): z.ZodNumber {
  return quantity(what, minimum, maximum).int();
}

/** A number of things, or `all`. */
export function countOrAll(
  what: string,
  minimum: number,
  maximum: number,
): z.ZodUnion<[z.ZodNumber, z.ZodLiteral<"all">]> {
  const number = count(what, minimum, maximum);
  const word = z.literal("all", { error: wrongType(`${what}, ${minimum} to ${maximum}, or all`) });
  const looksLike = (input: unknown): z.ZodType => (typeof input === "number" ? number : word);
  return z.union([number, word], { error: either(`${what}, or all`, looksLike) });
}

export const port = (): z.ZodNumber => count("a TCP port", 1, 65_535);

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  const all = words.join(", ");
  return z.enum(words, {
    error: ({ input }) => {
      if (input === undefined || input === null) return wrongType(`one of ${all}`)({ input });
      const meant = typeof input === "string" ? didYouMean(input, words) : undefined;
      const remedy = meant === undefined ? `give one of ${all}` : `did you mean "${meant}"?`;
      return `${shown(input)} is not one of ${all}: ${remedy}`;
    },
  }) as z.ZodEnum<{ [Word in Words[number]]: Word }>; // zod widens the words of a generic tuple
}

/** A mapping whose keys are all known. */
export function section<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "invalid_type"
        ? wrongType("a mapping of `key: value` lines")(issue)
        : undefined,
  });
}

/** A list. `what` names its entries in the plural. */
export function list<Entry extends z.core.$ZodType>(what: string, entry: Entry): z.ZodArray<Entry> {
  const wrong = wrongType(`a list of ${what}`);
  const error: TypeError = (issue) =>
    typeof issue.input === "string" ? `${wrong(issue)}: write [${issue.input}]` : wrong(issue);
  return z.array(entry, { error });
}

/** AS numbers nobody may use as their own. */
const reservedAsns: Readonly<Record<number, string>> = {
  0: "AS 0 is reserved (RFC 7607)",
  23_456: "AS 23456 is AS_TRANS, which stands for 4-octet numbers (RFC 6793)",
  65_535: "AS 65535 is reserved (RFC 7300)",
  4_294_967_295: "AS 4294967295 is reserved (RFC 7300)",
};

/** An AS number, 1 to 4294967294, none of the reserved ones. */
export function asn(): z.ZodNumber {
  const check = count("an AS number such as 64512", 0, 4_294_967_295);
  return check.superRefine((value, context) => {
    const reason = reservedAsns[value];
    if (reason !== undefined) {
      context.addIssue({ code: "custom", message: `${reason}: private ones are 64512 to 65534` });
    }
  });
}

/** What an AS number may be to ours. */
const asnWords = ["external", "internal", "any"] as const;
type AsnWords = z.ZodEnum<{ external: "external"; internal: "internal"; any: "any" }>;

/** Says of a value that is neither of two things what is wrong with it, by the one that it resembles. */
function either(
  what: string,
  looksLike: (input: unknown) => z.ZodType,
): (issue: { readonly input?: unknown }) => string {
  return (issue) => {
    const { input } = issue;
    if (input === undefined || input === null) return wrongType(what)(issue);
    return looksLike(input).safeParse(input).error?.issues[0]?.message ?? wrongType(what)(issue);
  };
}

/** The AS number of a peer, or what it is to ours. */
export function asnRule(): z.ZodUnion<[z.ZodNumber, AsnWords]> {
  const words = choice(asnWords);
  const looksLike = (input: unknown): z.ZodType => (typeof input === "number" ? asn() : words);
  const error = either("an AS number, or one of external, internal, any", looksLike);
  return z.union([asn(), words], { error });
}

/** AS numbers that peers may have, or what they are to ours. */
export function asnsRule(): z.ZodUnion<[z.ZodArray<z.ZodNumber>, AsnWords]> {
  const words = choice(asnWords);
  const several = list("AS numbers", asn()).min(1, { error: "is empty: give an AS number" });
  const looksLike = (input: unknown): z.ZodType => (typeof input === "string" ? words : several);
  const error = either("a list of AS numbers, or one of external, internal, any", looksLike);
  return z.union([several, words], { error });
}

/** RFC 4271 §4.2: "The Hold Time MUST be either zero or at least three seconds." */
export function holdTime(): z.ZodNumber {
  return count("a number of seconds", 0, 65_535).superRefine((seconds, context) => {
    if (seconds !== 1 && seconds !== 2) return;
    context.addIssue({
      code: "custom",
      message: `${seconds} is not a possible hold time: give 0 (never expires) or 3 and more (RFC 4271 §4.2)`,
    });
  });
}

/** `true` or `false`. */
export function flag(): z.ZodBoolean {
  return z.boolean({
    error: ({ input }) =>
      `${JSON.stringify(input) ?? "nothing"} is not true or false: give one of them`,
  });
}

type Reader<T> = z.ZodPipe<z.ZodString, z.ZodTransform<T, string>>;

function parsed<T>(
  what: string,
  read: (text: string) => { value: T } | { problem: string },
): Reader<T> {
  return text(what).transform((input, context): T => {
    const result = read(input);
    if ("value" in result) return result.value;
    context.addIssue({ code: "custom", message: result.problem });
    return z.NEVER;
  });
}

const anIpv4Address = "an IPv4 address such as 192.168.1.2";

function readIpv4Address(input: string): { value: string } | { problem: string } {
  const octets = parseIpAddress(input.trim());
  if (octets === undefined) return { problem: notAnAddress(input, anIpv4Address) };
  if (octets.length !== 4) {
    return { problem: `${input} is IPv6: give an IPv4 address` };
  }
  const value = formatIpAddress(octets);
  return value === input ? { value } : { problem: `"${input}" has white space: write ${value}` };
}

/** A node's IPv6 address. */
export function ipv6Address(): Reader<string> {
  const what = "an IPv6 address such as 2001:db8::2";
  return parsed(what, (input) => {
    const octets = parseIpAddress(input);
    if (octets?.length !== 16) return { problem: notAnAddress(input, what) };
    const use = martianAddressUse(hostPrefix(octets));
    return use === undefined
      ? { value: formatIpAddress(octets) }
      : { problem: `${input} is ${use}: give the address that other nodes reach` };
  });
}

/** What to say of a text that should have been an address; one with a port or a length is easily mended. */
function notAnAddress(input: string, what: string): string {
  const [address = "", ...rest] = input.split(/[/:]/);
  const isolated = rest.length === 1 && parseIpAddress(address) !== undefined;
  return `"${input}" is not ${what}${isolated ? `: write ${address}` : ""}`;
}

/** The address of a speaker: IPv4 unicast; loopback is allowed, for labs on one machine. */
export function speakerAddress(): Reader<string> {
  return parsed(anIpv4Address, (input) => {
    const reading = readIpv4Address(input);
    if ("problem" in reading) return reading;
    const octets = parseIpAddress(reading.value) as Uint8Array; // it has just been read
    const use = martianAddressUse(hostPrefix(octets));
    return use === undefined || octets[0] === 127
      ? reading
      : { problem: `${input} is ${use}: give the address that the node's peers reach` };
  });
}

/** A unicast address of either IP version; `unspecified` allows 0.0.0.0 and ::, which stand for all of a machine's. */
export function unicastAddress(options: { readonly unspecified?: true } = {}): Reader<string> {
  const what = "an address such as 192.168.1.2 or 2001:db8::2";
  return parsed(what, (input) => {
    const octets = parseIpAddress(input);
    if (octets === undefined) return { problem: notAnAddress(input, what) };
    const value = formatIpAddress(octets);
    if (options.unspecified === true && octets.every((octet) => octet === 0)) return { value };
    const use = martianAddressUse(hostPrefix(octets));
    return use === undefined || octets[0] === 127 || value === "::1"
      ? { value }
      : { problem: `${input} is ${use}: give a unicast address` };
  });
}

/** One address to listen on, or several; 0.0.0.0 and :: stand for all of a machine's. */
export function listenAddress(): z.ZodUnion<[Reader<string>, z.ZodArray<Reader<string>>]> {
  const one = peerAddress({ unspecified: true });
  const several = list("addresses", one).min(1, { error: "is empty: give an address" });
  const looksLike = (input: unknown): z.ZodType => (Array.isArray(input) ? several : one);
  return z.union([one, several], { error: either("an address, or a list of them", looksLike) });
}

/** A unicast address of either IP version that may be a link-local one with its zone: `fe80::1%eth0`. */
export function peerAddress(options: { readonly unspecified?: true } = {}): Reader<string> {
  const routable = unicastAddress(options);
  return parsed("an address such as 192.168.1.2, 2001:db8::2 or fe80::2%eth0", (input) => {
    const bare = withoutZone(input);
    const zone = input.slice(bare.length);
    const octets = parseIpAddress(bare);
    if (octets?.length !== 16 || !isLinkLocal(octets)) {
      const problem = routable.safeParse(input).error?.issues[0]?.message;
      return problem === undefined ? { value: routable.parse(input) } : { problem };
    }
    const value = formatIpAddress(octets);
    if (isDeviceName(zone.slice(1))) return { value: value + zone };
    return { problem: `${input} is link local: give the network device, too, as ${value}%eth0` };
  });
}

/** A name that Linux may give a network device. */
function isDeviceName(name: string): boolean {
  return /^[^/\s]{1,15}$/.test(name) && name !== "." && name !== "..";
}

export function device(): Reader<string> {
  const what = "the name of a network device, such as eth0";
  return parsed(what, (input) =>
    isDeviceName(input) ? { value: input } : { problem: `"${input}" is not ${what}` },
  );
}

/** A BGP identifier: any number but 0, as dotted quad (RFC 6286). */
export function routerId(): Reader<string> {
  const what = "a BGP identifier such as 192.168.1.2";
  return parsed(what, (input) => {
    const octets = parseIpAddress(input);
    if (octets?.length !== 4) return { problem: `"${input}" is not ${what}` };
    return input === "0.0.0.0"
      ? { problem: "0.0.0.0 is not a BGP identifier (RFC 6286): give one, such as the address" }
      : { value: input };
  });
}

function readPrefix(input: string): { value: Prefix } | { problem: string } {
  const reading = readCidr(input);
  if ("problem" in reading) {
    return { problem: `${reading.problem}: write ${reading.suggestion ?? "10.233.1.0/24, say"}` };
  }
  return { value: reading.prefix };
}

/** Any prefix, the default route included: for import filters. */
export function prefix(): Reader<Prefix> {
  return parsed("a prefix such as 10.233.1.0/24", readPrefix);
}

/** A prefix that pods can have: IPv4, no part of it special. */
export function podPrefix(): Reader<Prefix> {
  return parsed("a prefix such as 10.233.1.0/24", (input) => {
    const reading = readPrefix(input);
    if ("problem" in reading) return reading;
    const { value } = reading;
    if (value.length === 0)
      return { problem: `${input} is everything: give the range of the pods` };
    const use = martianUse(value);
    return use === undefined
      ? reading
      : { problem: `${input} meets ${use}: pods need routable addresses, such as 10.233.0.0/16` };
  });
}

/** A community, RFC 1997: `64512:1` or `no-export`. */
export function community(): Reader<number> {
  const what = "a community such as 64512:1";
  return parsed(what, (input) => {
    const value = parseCommunity(input);
    if (value !== undefined) return { value };
    const meant = didYouMean(input, communityNames);
    const remedy =
      meant === undefined ? "two numbers up to 65535, or a name" : `did you mean "${meant}"?`;
    return { problem: `"${input}" is not ${what}: ${remedy}` };
  });
}

/** A list of communities, or the word `all`. */
export function communitiesOrAll(): z.ZodUnion<[z.ZodArray<Reader<number>>, z.ZodLiteral<"all">]> {
  const several = list("communities", community());
  const looksLike = (): z.ZodType => several;
  const error = either("a list of communities, or all", looksLike);
  return z.union([several, z.literal("all")], { error });
}

/** A large community, RFC 8092: `64512:1:2`. */
export function largeCommunity(): Reader<LargeCommunity> {
  const what = "a large community such as 64512:1:2";
  return parsed(what, (input) => {
    const value = parseLargeCommunity(input);
    return value === undefined
      ? { problem: `"${input}" is not ${what}: three numbers up to 4294967295` }
      : { value };
  });
}

/** An extended community, RFC 4360: `rt:64512:100`; eight octets. */
export function extendedCommunity(): Reader<Uint8Array> {
  const what = "an extended community such as rt:64512:100";
  return parsed(what, (input) => {
    const value = parseExtendedCommunity(input);
    return value === undefined
      ? {
          problem: `"${input}" is not ${what}: rt or ro, an AS number or IPv4 address, and a number; or 0x and 16 hexadecimal digits`,
        }
      : { value };
  });
}

/** An address and a TCP port. */
export interface Endpoint {
  /** Canonical. */
  readonly address: string;
  readonly port: number;
}

const anEndpoint = "an endpoint such as 127.0.0.1:8179";

function readEndpoint(input: string): { value: Endpoint } | { problem: string } {
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>[^:]*)):(?<port>\d{1,5})$/.exec(input);
  const octets = parseIpAddress(match?.groups?.["v6"] ?? match?.groups?.["v4"] ?? "");
  const portNumber = Number(match?.groups?.["port"]);
  if (octets === undefined) return { problem: `"${input}" is not ${anEndpoint}` };
  if (portNumber < 1 || portNumber > 65_535) {
    return { problem: `${input} has no TCP port from 1 to 65535: give one, such as 8179` };
  }
  return { value: { address: formatIpAddress(octets), port: portNumber } };
}

/** `10.0.0.1:9479` or `[::]:9479`. */
export function endpoint(): Reader<Endpoint> {
  return parsed(anEndpoint, readEndpoint);
}

/** `127.0.0.1:8179` or `[::1]:8179`; loopback only, since the API asks nobody who they are. */
export function loopbackEndpoint(): Reader<Endpoint> {
  return parsed(anEndpoint, (input) => {
    const reading = readEndpoint(input);
    if ("problem" in reading) return reading;
    const { address, port: portNumber } = reading.value;
    return address === "::1" || address.startsWith("127.")
      ? reading
      : {
          problem: `${input} is not loopback, and the API asks nobody who they are: write 127.0.0.1:${portNumber}`,
        };
  });
}

/** Octets that `sun_path` holds, less the closing zero (unix(7)). */
const longestSocketPath = 107;

/** Path of a unix socket. */
export function socketPath(): Reader<string> {
  const what = "an absolute path such as /run/margay/margay.sock";
  return parsed(what, (input) => {
    if (!input.startsWith("/")) return { problem: `"${input}" is not ${what}: start it with /` };
    const octets = new TextEncoder().encode(input).length;
    return octets > longestSocketPath
      ? { problem: `the path has ${octets} octets: the kernel takes at most ${longestSocketPath}` }
      : { value: input };
  });
}
