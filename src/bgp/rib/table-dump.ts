import type { Slab } from "./slab-packer.ts";

/** A dump may be kept for peers to come while it is no larger than this. */
const keptOctets = 8 * 1024 * 1024;

/** Log that a late joiner may have to read on top of a dump before a fresh dump is cheaper. */
const joinableLogOctets = 64 * 1024;

/** The table, encoded slice by slice, shared by the peers that arrive while it is still worth joining. */
export class TableDump {
  /** Where the log stood when the dump began: its readers go on from there. */
  readonly logSequence: number;
  /** One past the last prefix id of the table at that time; later ones come by the log. */
  readonly end: number;
  /** The next prefix id to encode. */
  nextPrefix = 0;
  readonly slabs: Slab[] = [];
  octets = 0;

  constructor(logSequence: number, end: number) {
    this.logSequence = logSequence;
    this.end = end;
  }

  get isRunning(): boolean {
    return this.nextPrefix < this.end;
  }

  add(slab: Slab): void {
    this.slabs.push(slab);
    this.octets += slab.octets.length;
  }

  /** Is this dump and the log since it began less work than a fresh dump? */
  mayBeJoined(logOctetsSince: number): boolean {
    return (
      this.octets <= keptOctets && logOctetsSince <= Math.max(joinableLogOctets, this.octets / 2)
    );
  }
}
