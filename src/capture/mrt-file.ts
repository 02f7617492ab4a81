import { Reader, ShortReadError } from "../wire/reader.ts";
import type { AssumedSession, CaptureReader, Emit } from "./captured.ts";
import { readBgp4mp } from "./mrt-bgp4mp.ts";
import { MrtTable } from "./mrt-table.ts";
import { MrtType, mrtTypes } from "./mrt-type.ts";
import { OctetQueue } from "./octet-queue.ts";

const headerOctets = 12;
/** Far more than any table entry of thousands of peers takes: what says more is no MRT record. */
const largestRecordOctets = 16 * 1024 * 1024;

/** MRT routing information export (RFC 6396, ADD-PATH by RFC 8050): BGP4MP, BGP4MP_ET and TABLE_DUMP_V2; other records are skipped. */
export class MrtFile implements CaptureReader {
  readonly #emit: Emit;
  readonly #assumed: AssumedSession;
  readonly #table: MrtTable;
  readonly #queue = new OctetQueue();
  #isBroken = false;

  constructor(assumed: AssumedSession, emit: Emit) {
    this.#emit = emit;
    this.#assumed = assumed;
    this.#table = new MrtTable(emit);
  }

  push(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    this.#queue.push(chunk);
    while (!this.#isBroken && this.#next());
  }

  end(): void {
    const { length } = this.#queue;
    if (length > 0 && !this.#isBroken)
      this.#problem(`the file ends inside a record: ${length} octets are left`);
  }

  #problem(problem: string): void {
    this.#emit({ place: `offset ${this.#queue.offset}`, problem });
  }

  /** @returns whether there was a whole record */
  #next(): boolean {
    const header = this.#queue.peek(headerOctets);
    if (header === undefined) return false;
    const reader = new Reader(header);
    const seconds = reader.uint32();
    const type = reader.uint16();
    const subtype = reader.uint16();
    const length = reader.uint32();
    if (!mrtTypes.has(type) || length > largestRecordOctets) {
      this.#problem(
        `no MRT record: type ${type}, ${length} octets; the rest of the file is not read`,
      );
      this.#isBroken = true;
      return false;
    }
    const record = this.#queue.peek(headerOctets + length);
    if (record === undefined) return false;
    this.#take(type, { seconds, subtype, reader: new Reader(record, headerOctets) });
    this.#queue.skip(record.length);
    return true;
  }

  #take(
    type: number,
    { reader, seconds, subtype }: { reader: Reader; seconds: number; subtype: number },
  ): void {
    const place = `offset ${this.#queue.offset}`;
    try {
      const nanoseconds = type === MrtType.bgp4mpEt ? (reader.uint32() % 1_000_000) * 1000 : 0;
      const record = { place, time: { seconds, nanoseconds }, subtype, reader };
      if (type === MrtType.tableDumpV2) this.#table.take(record);
      else if (type === MrtType.bgp4mp || type === MrtType.bgp4mpEt) {
        readBgp4mp(record, this.#assumed, this.#emit);
      }
    } catch (error) {
      if (!(error instanceof ShortReadError)) throw error;
      this.#emit({ place, problem: `an MRT record of type ${type}/${subtype} is cut short` });
    }
  }
}
