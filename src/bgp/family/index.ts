import type { Family } from "./family.ts";
import { ipv4Unicast } from "./ipv4-unicast.ts";
import { ipv6Unicast } from "./ipv6-unicast.ts";

export type { Family } from "./family.ts";
export { ipv4Unicast, ipv6Unicast };

/** THE table: a family is one file and one entry here. */
export const families: readonly Family[] = [ipv4Unicast, ipv6Unicast];

const byKey: ReadonlyMap<number, Family> = new Map(families.map((row) => [row.key, row]));
const byName: ReadonlyMap<string, Family> = new Map(families.map((row) => [row.name, row]));

/** The row of `familyKey(afi, safi)`, if there is one. */
export function familyByKey(key: number): Family | undefined {
  return byKey.get(key);
}

/** The row of `ipv4-unicast` and the like, if there is one. */
export function familyByName(name: string): Family | undefined {
  return byName.get(name);
}
