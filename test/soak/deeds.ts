/** What was done, by kind. */
export class Deeds {
  readonly counts = new Map<string, number>();

  did(deed: string): void {
    this.counts.set(deed, (this.counts.get(deed) ?? 0) + 1);
  }
}
