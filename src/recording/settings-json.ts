import { families } from "../bgp/family/index.ts";
import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { formatHex, parseHex } from "../wire/hex.ts";

/** JSON of what a speaker is given, with prefixes and families by their names, and octets in hexadecimal digits. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}`;
    if (typeof part !== "object" || part === null) return part;
    if (part instanceof Uint8Array) return { $octets: formatHex(part) };
    if (isPrefix(part)) return { $prefix: part.text };
    const family = families.find((one) => one === part);
    return family === undefined ? part : { $family: family.name };
  });
}

function isPrefix(value: object): value is Prefix {
  return "octets" in value && "length" in value && "text" in value;
}

/** What `textOf` was given. @throws SyntaxError for what is no JSON, RangeError for names that are not known */
export function valueOf(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== "object" || part === null) return part;
    if ("$prefix" in part) return known(part.$prefix, parsePrefix(String(part.$prefix)));
    if ("$octets" in part) return known(part.$octets, parseHex(String(part.$octets)));
    if ("$family" in part) {
      return known(
        part.$family,
        families.find(({ name }) => name === part.$family),
      );
    }
    return part;
  });
}

function known<T>(name: unknown, found: T | undefined): T {
  if (found === undefined) throw new RangeError(`there is no ${String(name)}`);
  return found;
}
