import { PrefixMatch } from "../gen/margay/v1/management_pb.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import {
  hostPrefix,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixContainsAddress,
  prefixFromOctets,
} from "../net/prefix.ts";
import { invalidArgument } from "./api-error.ts";

/** Which prefixes of a table are wanted. */
export type PrefixFilter =
  | { readonly match: "all" }
  | { readonly match: "exact"; readonly prefix: Prefix }
  /** The prefix itself and all inside it. */
  | { readonly match: "longer"; readonly prefix: Prefix }
  /** The longest prefix around the address, if any. */
  | { readonly match: "longest"; readonly address: Uint8Array };

/** Reads the fields of a request; throws ApiError INVALID_ARGUMENT, which quotes the text and says what would be right. */
export function parsePrefixFilter(text: string, match: PrefixMatch): PrefixFilter {
  if (text === "") return { match: "all" };
  const address = parseIpAddress(text);
  const prefix = address === undefined ? parsePrefix(text) : hostPrefix(address);
  if (prefix === undefined) throw invalidArgument(whatIsWrong(text));
  switch (match) {
    case PrefixMatch.EXACT:
      return { match: "exact", prefix };
    case PrefixMatch.LONGER:
      return { match: "longer", prefix };
    case PrefixMatch.LONGEST:
      return { match: "longest", address: prefix.octets };
    case PrefixMatch.UNSPECIFIED:
      return address === undefined ? { match: "exact", prefix } : { match: "longest", address };
    default:
      throw invalidArgument(`match ${match} is not known here; this daemon may be older than you`);
  }
}

function whatIsWrong(text: string): string {
  const slash = text.lastIndexOf("/");
  const address = slash < 0 ? undefined : parseIpAddress(text.slice(0, slash));
  const length = Number(text.slice(slash + 1));
  if (
    address !== undefined &&
    Number.isInteger(length) &&
    length >= 0 &&
    length <= address.length * 8
  ) {
    const masked = prefixFromOctets(address, length).text;
    if (masked !== text)
      return `${text} has host bits set or an unusual form; did you mean ${masked}?`;
  }
  return `"${text}" is neither a prefix (10.233.2.0/24) nor an address (10.233.2.7)`;
}

/** What the filter selects of any collection, by a walk over all of it: for tables that have no index of their own. */
export function* selectByPrefix<T>(
  filter: PrefixFilter,
  items: Iterable<T>,
  prefixOf: (item: T) => Prefix,
): Generator<T> {
  let longest: { item: T; length: number } | undefined;
  for (const item of items) {
    const prefix = prefixOf(item);
    if (filter.match === "longest") {
      const longer = longest === undefined || prefix.length > longest.length;
      if (longer && prefixContainsAddress(prefix, filter.address))
        longest = { item, length: prefix.length };
    } else if (prefixSelected(filter, prefix)) yield item;
  }
  if (longest !== undefined) yield longest.item;
}

function prefixSelected(
  filter: Exclude<PrefixFilter, { match: "longest" }>,
  prefix: Prefix,
): boolean {
  if (filter.match === "all") return true;
  if (filter.match === "exact") return filter.prefix.text === prefix.text;
  return prefixContains(filter.prefix, prefix);
}
