import { type Slab, slabBytes } from "./slab-packer.ts";
import type { RibLimits } from "./rib-limits.ts";

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
  /** Octets ever logged when the dump began. */
  readonly #loggedOctets: number;

  readonly #limits: RibLimits;

  constructor(log: { sequence: number; octets: number }, end: number, limits: RibLimits) {
    this.#limits = limits;
    this.logSequence = log.sequence;
    this.#loggedOctets = log.octets;
    this.end = end;
  }

  get isRunning(): boolean {
    return this.nextPrefix < this.end;
  }

  /** Octets that its slabs keep alive. */
  get bytes(): number {
    return this.slabs.reduce((bytes, slab) => bytes + slabBytes(slab), 0);
  }

  add(slab: Slab): void {
    this.slabs.push(slab);
    this.octets += slab.octets.length;
  }

  /** Is this dump and the log since it began less work than a fresh dump? @param loggedOctets ever, up to now */
  mayBeJoined(loggedOctets: number): boolean {
    const { keptDumpOctets, joinableLogOctets } = this.#limits;
    return (
      this.octets <= keptDumpOctets &&
      loggedOctets - this.#loggedOctets <= Math.max(joinableLogOctets, this.octets / 2)
    );
  }
}
