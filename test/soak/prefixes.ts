/** Announced by several clients, so that there is something to decide. */
export const sharedPrefixes: readonly string[] = Array.from(
  { length: 40 },
  (_, number) => `10.200.${number}.0/24`,
);

/** What only one client announces. @param index of the client */
export function ownPrefixes(index: number): readonly string[] {
  const network = `10.${index >> 8}.${index & 0xff}`;
  return Array.from({ length: 60 }, (_, number) => `${network}.${number * 4}/30`);
}
