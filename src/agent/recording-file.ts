import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Logger } from "../platform/logger.ts";
import { Recorder } from "../recording/recorder.ts";
import { readFrame, RecordingError } from "../recording/records.ts";
import type { CreateSpeaker } from "../session/speaker-driver.ts";

/**
 * A file that a speaker's inputs are appended to, as they come: what the kernel has taken outlasts even SIGKILL, and the last
 * inputs are written when the program ends by an error of its own. A file that cannot be written any more ends the recording,
 * not the speaker.
 */
export class RecordingFile {
  readonly #path: string;
  readonly #logger: Logger;
  #file: number | undefined;
  #recorder: Recorder | undefined;
  readonly #flush = (): void => this.#recorder?.flush();

  /** Opens the file, for its owner only, after what is in it already. @throws RecordingError with the path when that cannot be */
  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
    try {
      this.#file = openSync(path, "a+", 0o600);
      dropUnfinished(this.#file);
    } catch (error) {
      const { message } = error as Error;
      throw new RecordingError(`${path} cannot be recorded to: ${message}`, { cause: error });
    }
    process.once("exit", this.#flush);
  }

  /** Makes a speaker that is recorded. */
  readonly createSpeaker: CreateSpeaker = (config, ports, observer) => {
    this.#recorder = new Recorder(config, ports, observer, (octets) => this.#append(octets));
    return this.#recorder.speaker;
  };

  #append(octets: Uint8Array): void {
    if (this.#file === undefined) return;
    try {
      let written = 0;
      while (written < octets.length) written += writeSync(this.#file, octets, written);
    } catch (error) {
      const { message } = error as Error;
      this.#logger.error({ file: this.#path }, `the recording ends here: ${message}`);
      this.#close();
    }
  }

  /** Writes what is left, and ends the recording. */
  close(): void {
    process.off("exit", this.#flush);
    this.#flush();
    this.#close();
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Cuts off what an earlier life had begun to write when it died. */
function dropUnfinished(file: number): void {
  const { size } = fstatSync(file);
  const read = (offset: number, length: number): Uint8Array => {
    const octets = new Uint8Array(length);
    return octets.subarray(0, readSync(file, octets, 0, length, offset));
  };
  const { soundOctets } = readFrame(read, size);
  if (soundOctets < size) ftruncateSync(file, soundOctets);
}

/** Opens the file that `--record` names, if it names one. @throws RecordingError */
export function openRecording(path: string | undefined, logger: Logger): RecordingFile | undefined {
  return path === undefined ? undefined : new RecordingFile(path, logger);
}
