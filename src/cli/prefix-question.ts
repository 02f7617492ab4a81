import { ApiError } from "../api/api-error.ts";
import { type PrefixFilter, parsePrefixFilter } from "../api/prefix-filter.ts";
import { PrefixMatch } from "../gen/margay/v1/management_pb.ts";
import { parsePrefix, prefixContains, prefixContainsAddress } from "../net/prefix.ts";
import type { PrefixArguments } from "./commands/arguments.ts";
import { sentence, UsageError } from "./failure.ts";

/** Which prefixes the user asked about. */
export interface PrefixQuestion {
  readonly request: { readonly prefix: string; readonly match: PrefixMatch };
  /** May a change of this prefix alter the answer? */
  readonly concerns: (prefix: string) => boolean;
}

/** Reads `[PREFIX] [--longer | --exact]`. Throws UsageError for text that is neither prefix nor address. */
export function prefixQuestion(args: PrefixArguments): PrefixQuestion {
  const match = args.longer
    ? PrefixMatch.LONGER
    : args.exact
      ? PrefixMatch.EXACT
      : PrefixMatch.UNSPECIFIED;
  const text = args.prefix ?? "";
  const filter = readFilter(text, match);
  const concerns = (changed: string): boolean => {
    if (filter.match === "all") return true;
    const prefix = parsePrefix(changed);
    if (prefix === undefined) return false;
    if (filter.match === "exact") return filter.prefix.text === prefix.text;
    if (filter.match === "longer") return prefixContains(filter.prefix, prefix);
    return prefixContainsAddress(prefix, filter.address);
  };
  return { request: { prefix: text, match }, concerns };
}

function readFilter(text: string, match: PrefixMatch): PrefixFilter {
  try {
    return parsePrefixFilter(text, match);
  } catch (error) {
    throw error instanceof ApiError
      ? new UsageError(sentence(error.message), { cause: error })
      : error;
  }
}
