/** A path as a client announces it: the higher LOCAL_PREF wins, then the lower identifier; the community tells versions apart. */
export interface SoakPath {
  readonly localPref: number;
  readonly communities: readonly number[];
}

/** A client of the reflector under test, with what it announces and what it should be told. */
export interface SoakClient {
  readonly address: string;
  /** Unsigned 32-bit. */
  readonly identifier: number;
  readonly nextHop: string;
  /** In force at the reflector, by prefix. */
  readonly announced: ReadonlyMap<string, SoakPath>;
}

/** Paths as somebody has them, by prefix; see `pathText`. */
export type Table = ReadonlyMap<string, string>;

/** The best path to each prefix, and whose it is. */
export type Selection = ReadonlyMap<string, { readonly client: SoakClient; readonly text: string }>;

/** `next hop LOCAL_PREF communities` */
export function pathText(
  nextHop: string,
  localPref: number,
  communities: readonly number[],
): string {
  return `${nextHop} ${localPref} ${communities.join()}`;
}

/** What a speaker selects of what these announce, RFC 4271 §9.1: by LOCAL_PREF, then by identifier. */
export function select(clients: readonly SoakClient[]): Selection {
  const best = new Map<string, { client: SoakClient; path: SoakPath }>();
  for (const client of clients) {
    for (const [prefix, path] of client.announced) {
      const other = best.get(prefix);
      const wins =
        other === undefined ||
        path.localPref > other.path.localPref ||
        (path.localPref === other.path.localPref && client.identifier < other.client.identifier);
      if (wins) best.set(prefix, { client, path });
    }
  }
  return new Map(
    [...best].map(([prefix, { client, path }]) => [
      prefix,
      { client, text: pathText(client.nextHop, path.localPref, path.communities) },
    ]),
  );
}

/**
 * What a table should have and has not, and the other way round.
 * @param of whom the table was told to, who is not told what it announces itself; undefined: the reflector's own
 */
export function differences(table: Table, best: Selection, of?: SoakClient): string[] {
  const wrong: string[] = [];
  let expected = 0;
  for (const [prefix, { client, text }] of best) {
    if (client === of) continue;
    expected++;
    const found = table.get(prefix);
    if (found !== text) wrong.push(`${prefix} as ${found} rather than ${text}`);
  }
  if (wrong.length === 0 && table.size !== expected) {
    wrong.push(`${table.size} prefixes rather than ${expected}`);
  }
  return wrong;
}
