import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { detectFormat, type FileFormat, magicOctets } from "../capture/file-format.ts";
import { ExitCode } from "./exit-code.ts";
import { CliFailure } from "./failure.ts";

/** A file to decode, as far as its first octets tell. */
interface CaptureInput {
  /** For messages. */
  readonly name: string;
  readonly format: Exclude<FileFormat, "gzip">;
  /** All of it, uncompressed. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

const newline = 0x0a;

/** Opens a file, or stdin for `-` and none. @throws CliFailure when it cannot be read, or is nothing that can be decoded */
export async function openCapture(path: string | undefined): Promise<CaptureInput> {
  // yargs makes an empty text of a lone dash.
  const isStdin = path === undefined || path === "" || path === "-";
  const name = isStdin ? "stdin" : path;
  const stream = isStdin ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    let { format, chunks } = await detect(stream);
    if (format === "gzip") ({ format, chunks } = await detect(uncompressed(chunks)));
    if (format === undefined || format === "gzip") {
      throw new CliFailure(
        `${name} is none of: hex with a message a line, MRT, pcap, pcapng, or one of these in gzip`,
        ExitCode.failed,
      );
    }
    return { name, format, chunks: named(name, chunks) };
  } catch (error) {
    throw unreadable(name, error, ExitCode.usage);
  }
}

/** What a system call or zlib says of the file, with its name. */
function unreadable(name: string, error: unknown, exitCode: number): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  return new CliFailure(`${name} cannot be read: ${error.message}`, exitCode, { cause: error });
}

async function* named(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreadable(name, error, ExitCode.failed);
  }
}

interface Detected {
  readonly format: FileFormat | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Reads as much as tells the format; `chunks` is the whole stream all the same. */
async function detect(stream: AsyncIterable<Uint8Array>): Promise<Detected> {
  const iterator = stream[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let head = new Uint8Array(0);
  // A line of text says enough, and may be all that comes for a while.
  while (head.length < magicOctets && !head.includes(newline)) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    read.push(value);
    head = Uint8Array.from([...head, ...value.subarray(0, magicOctets)]);
  }
  return { format: detectFormat(head.subarray(0, magicOctets)), chunks: chain(read, iterator) };
}

async function* chain(
  read: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* read;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    yield next.value;
  }
}

function uncompressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  // An error of the source comes out of the generator that reads `gunzip`.
  pipeline(Readable.from(chunks), gunzip, () => {});
  return gunzip;
}
