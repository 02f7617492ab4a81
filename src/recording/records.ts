import { Reader, ShortReadError } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";

/*
 * The format of a recording, version 1. Numbers are LEB128 varints unless a width is given; wide ones are in network byte order; a text
 * is its number of octets and UTF-8.
 *
 *   file    = run …           one for each life of the speaker: a file is only ever appended to
 *   run     = 89 "margay" 01  (the last octet is the version), then chunks
 *   chunk   = length (32 bits, below 2^31, so that its first octet is no run's), then whole records of so many octets in all
 *   record  = kind (8 bits), then
 *     0 start       text: JSON { atUs, config }
 *     1 received    µs since the input before, connection, number of octets, octets
 *     2 read        µs            a slice of work on what has been received
 *     3 distribute  µs            a slice of deciding and sending
 *     4 call        µs, text: JSON [name, argument, …]; the names are in calls.ts
 *     5 answer      text: JSON [question, n, value]      what the world outside answered to the speaker's nth such question
 *                   within the input before; only where it is not the usual answer (questions.ts)
 *     6 nested      text: JSON [hook, n, name, argument, …]     a call that the nth call of this hook of the observer made
 *     7 output      octets that the input had the speaker write, and a digest of them (32 bits)
 *     8 rib         text: JSON { paths, digest } of all RIBs
 *
 * 1 to 4 are inputs. Time stands still during one.
 */

const magic = Uint8Array.of(0x89, 0x6d, 0x61, 0x72, 0x67, 0x61, 0x79, 1);
const chunkHeaderOctets = 4;

/** Of each life of a speaker, in one file after the other. */
export interface StartRecord {
  readonly kind: "start";
  readonly text: string;
}

/** What is done to the speaker, `us` microseconds after the input before. */
export type InputRecord =
  | {
      readonly kind: "received";
      readonly us: number;
      readonly connection: number;
      readonly octets: Uint8Array;
    }
  | { readonly kind: "read" | "distribute"; readonly us: number }
  | { readonly kind: "call"; readonly us: number; readonly text: string };

/** What belongs to the input before. */
export type AccompanyingRecord =
  | { readonly kind: "answer" | "nested" | "rib"; readonly text: string }
  | { readonly kind: "output"; readonly octets: number; readonly digest: number };

export type RecordingRecord = StartRecord | InputRecord | AccompanyingRecord;

const kinds = [
  "start",
  "received",
  "read",
  "distribute",
  "call",
  "answer",
  "nested",
  "output",
  "rib",
] as const;

/** The octets that a run begins with. */
export function runHeader(): Uint8Array {
  return magic.slice();
}

/** Writes records, and gives them away as chunks. */
export class RecordWriter {
  readonly #writer = new Writer(4096);

  /** Octets of records that no chunk took yet. */
  get length(): number {
    return this.#writer.length;
  }

  write(record: RecordingRecord): void {
    const writer = this.#writer;
    writer.uint8(kinds.indexOf(record.kind));
    switch (record.kind) {
      case "received":
        varint(writer, record.us);
        varint(writer, record.connection);
        varint(writer, record.octets.length);
        writer.bytes(record.octets);
        return;
      case "read":
      case "distribute":
        return varint(writer, record.us);
      case "call":
        varint(writer, record.us);
        return text(writer, record.text);
      case "output":
        varint(writer, record.octets);
        writer.uint32(record.digest);
        return;
      case "start":
      case "answer":
      case "nested":
      case "rib":
        return text(writer, record.text);
    }
  }

  /** All that was written since the last call. */
  takeChunk(): Uint8Array {
    const records = this.#writer.view();
    const chunk = new Writer(chunkHeaderOctets + records.length);
    chunk.uint32(records.length).bytes(records);
    this.#writer.truncate(0);
    return chunk.finish();
  }
}

function varint(writer: Writer, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    writer.uint8((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  writer.uint8(rest);
}

function text(writer: Writer, value: string): void {
  const octets = new TextEncoder().encode(value);
  varint(writer, octets.length);
  writer.bytes(octets);
}

/** A file that is no recording, or one of a version that is not known here. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

/** What a look at the file's frame tells. */
export interface RecordingFrame {
  /** Of each run: its chunks, from one octet to before another. */
  readonly runs: readonly { readonly start: number; readonly end: number }[][];
  /** Octets up to the end of the last chunk that is there as a whole; what follows was being written when the writer died. */
  readonly soundOctets: number;
}

/**
 * Walks the frame of a recording, without its records.
 * @param octets reads some of the file, fewer at its end @throws RecordingError for what is none
 */
export function readFrame(
  octets: (offset: number, length: number) => Uint8Array,
  size: number,
): RecordingFrame {
  const runs: { start: number; end: number }[][] = [];
  let offset = 0;
  while (offset < size) {
    const head = octets(offset, magic.length);
    if (head[0] === magic[0]) {
      if (head.length < magic.length && runs.length > 0) break;
      checkHeader(head);
      runs.push([]);
      offset += magic.length;
      continue;
    }
    const chunks = runs.at(-1);
    if (chunks === undefined) throw new RecordingError("it is not a recording of margay");
    if (head.length < chunkHeaderOctets) break;
    const start = offset + chunkHeaderOctets;
    const end = start + new Reader(head).uint32();
    if (end > size) break;
    chunks.push({ start, end });
    offset = end;
  }
  return { runs, soundOctets: Math.min(offset, size) };
}

function checkHeader(head: Uint8Array): void {
  const name = magic.subarray(0, -1);
  if (!name.every((octet, index) => octet === head[index]) || head.length < magic.length) {
    throw new RecordingError("it is not a recording of margay");
  }
  const version = head[magic.length - 1];
  if (version !== magic.at(-1)) {
    throw new RecordingError(`it has version ${version} of the format, and only 1 is known here`);
  }
}

/** The records of one chunk. @throws RecordingError when they are not what the writer writes */
export function* readRecords(
  octets: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): Generator<RecordingRecord> {
  const reader = new Reader(octets, start, end);
  while (reader.remaining > 0) {
    const at = reader.offset;
    try {
      yield readRecord(reader);
    } catch (error) {
      if (!(error instanceof ShortReadError)) throw error;
      throw new RecordingError(`the record at octet ${at} does not fit its chunk`, {
        cause: error,
      });
    }
  }
}

function readRecord(reader: Reader): RecordingRecord {
  const at = reader.offset;
  const kind = kinds[reader.uint8()];
  if (kind === undefined) {
    throw new RecordingError(`the record at octet ${at} is of a kind that does not exist`);
  }
  switch (kind) {
    case "received": {
      const us = readVarint(reader);
      const connection = readVarint(reader);
      return { kind, us, connection, octets: reader.bytes(readVarint(reader)) };
    }
    case "read":
    case "distribute":
      return { kind, us: readVarint(reader) };
    case "call":
      return { kind, us: readVarint(reader), text: readText(reader) };
    case "output":
      return { kind, octets: readVarint(reader), digest: reader.uint32() };
    case "start":
    case "answer":
    case "nested":
    case "rib":
      return { kind, text: readText(reader) };
  }
}

function readVarint(reader: Reader): number {
  let value = 0;
  let scale = 1;
  let octet: number;
  do {
    octet = reader.uint8();
    value += (octet % 0x80) * scale;
    scale *= 0x80;
  } while (octet >= 0x80);
  return value;
}

function readText(reader: Reader): string {
  return new TextDecoder().decode(reader.bytes(readVarint(reader)));
}
