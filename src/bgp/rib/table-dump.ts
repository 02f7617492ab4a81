import type { RibLimits } from "./rib-limits.ts";
import { SlabLog } from "./slab-log.ts";
import type { Slab } from "./slab-packer.ts";

/** The table, encoded slice by slice, shared by the peers that arrive while it is still worth joining. */
export class TableDump {
  /** Where the log stood when the dump began: its readers go on from there. */
  readonly logSequence: number;
  /** One past the last prefix id of the table at that time; later ones come by the log. */
  readonly end: number;
  /** The next prefix id to encode. */
  nextPrefix = 0;
  /** Whole, as long as it may be joined. */
  readonly slabs = new SlabLog();
  /** Octets of memory that had ever been logged when the dump began. */
  readonly #loggedBytes: number;

  readonly #limits: RibLimits;

  /** @param log the update group's, as it is now */
  constructor(log: SlabLog, end: number, limits: RibLimits) {
    this.#limits = limits;
    this.logSequence = log.end;
    this.#loggedBytes = log.bytesEver;
    this.end = end;
  }

  get isRunning(): boolean {
    return this.nextPrefix < this.end;
  }

  add(slab: Slab): void {
    this.slabs.append(slab);
  }

  /** Is this dump and the log since it began less work than a fresh dump? @param log as it is now */
  mayBeJoined(log: SlabLog): boolean {
    const { keptDumpOctets, joinableLogOctets } = this.#limits;
    const octets = this.slabs.bytesEver;
    return (
      octets <= keptDumpOctets &&
      log.bytesEver - this.#loggedBytes <= Math.max(joinableLogOctets, octets / 2)
    );
  }
}
