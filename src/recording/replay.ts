import { Speaker } from "../bgp/speaker.ts";
import type { SpeakerConfig } from "../bgp/speaker-config.ts";
import type { SpeakerObserver, SpeakerPorts } from "../bgp/speaker-ports.ts";
import { callTargets, readCall } from "./calls.ts";
import { Digest } from "./digest.ts";
import { type Answers, Counts, type Question, usualAnswers } from "./questions.ts";
import {
  type AccompanyingRecord,
  type InputRecord,
  readFrame,
  readRecords,
  RecordingError,
  type RecordingRecord,
} from "./records.ts";
import { ribDigest } from "./rib-digest.ts";
import { valueOf } from "./settings-json.ts";

export interface ReplayOptions {
  /** Of the runs in the recording, from 1; the last without. */
  readonly run?: number | undefined;
  /** Milliseconds from the start of the run; what comes later is left out. */
  readonly untilMs?: number | undefined;
  /** Told of what happens, as the first time. */
  readonly observer?: SpeakerObserver;
  /** Go on to the end where the speaker does something else than when it was recorded; `difference` tells the first all the same. */
  readonly goesOn?: boolean;
}

/** What a peer was sent, on all its connections together. */
export interface PeerOutput {
  readonly connections: number;
  readonly octets: number;
  /** 16 hexadecimal digits; equal for equal octets in equal order. */
  readonly digest: string;
}

export interface Replayed {
  /** As it was in the end. */
  readonly speaker: Speaker;
  /** By address. */
  readonly outputs: ReadonlyMap<string, PeerOutput>;
  readonly inputs: number;
  /** From the start of the run to the last input. */
  readonly elapsedMs: number;
  /** The speaker's monotonic time of the last input. */
  readonly nowMs: number;
  /** Runs in the recording. */
  readonly runs: number;
  /** The end of the recording is missing: its writer died, or has not written it yet. */
  readonly isTruncated: boolean;
  /** Where the speaker first did something else than when it was recorded; there the replay ends, unless it goes on. */
  readonly difference: string | undefined;
}

/**
 * Gives a new speaker the inputs of a recording, and holds what it writes, and its RIBs, against what was recorded.
 * @throws RecordingError for what is no recording, has no such run, or has it without its beginning
 */
export function replay(recording: Uint8Array, options: ReplayOptions = {}): Replayed {
  const read = (offset: number, length: number): Uint8Array =>
    recording.subarray(offset, offset + length);
  const { runs, soundOctets } = readFrame(read, recording.length);
  const number = options.run ?? runs.length;
  const chunks = runs[number - 1];
  if (chunks === undefined) {
    throw new RecordingError(`it has ${runs.length} runs, and none of number ${number}`);
  }
  const records = chunks.flatMap((chunk) => [...readRecords(recording, chunk)]);
  const [start, ...rest] = records;
  if (start?.kind !== "start") throw new RecordingError("the run ends before its first record");
  const player = new Player(start.text, options.observer ?? {});
  const untilMs = options.untilMs ?? Number.POSITIVE_INFINITY;
  for (const [input, accompanying] of steps(rest)) {
    const isAlike = player.play(input, accompanying, untilMs);
    if (isAlike === undefined || (!isAlike && options.goesOn !== true)) break;
  }
  const isLast = number === runs.length;
  return {
    ...player.result(),
    runs: runs.length,
    isTruncated: isLast && soundOctets < recording.length,
  };
}

/** Inputs with what belongs to each. */
function* steps(
  records: readonly RecordingRecord[],
): Generator<[InputRecord, readonly AccompanyingRecord[]]> {
  let input: InputRecord | undefined;
  let accompanying: AccompanyingRecord[] = [];
  for (const record of records) {
    if ("us" in record) {
      if (input !== undefined) yield [input, accompanying];
      input = record;
      accompanying = [];
    } else if (record.kind !== "start") accompanying.push(record);
  }
  if (input !== undefined) yield [input, accompanying];
}

class Player {
  readonly #speaker: Speaker;
  readonly #startUs: number;
  #us: number;
  #inputs = 0;
  #difference: string | undefined;
  readonly #asked = new Counts();
  readonly #told = new Counts();
  /** By question and number. */
  #answers = new Map<string, unknown>();
  /** Texts of calls, by hook and number. */
  #nested = new Map<string, string[]>();
  #output = new Digest();
  readonly #addresses = new Map<number, string>();
  readonly #outputs = new Map<string, { connections: number; readonly digest: Digest }>();

  constructor(start: string, observer: SpeakerObserver) {
    const { atUs, config } = valueOf(start) as { atUs: number; config: SpeakerConfig };
    this.#startUs = atUs;
    this.#us = atUs;
    this.#speaker = new Speaker(config, this.#ports(), this.#observer(observer));
  }

  result(): Omit<Replayed, "runs" | "isTruncated"> {
    const outputs = [...this.#outputs].map(([address, { connections, digest }]) => {
      return [address, { connections, octets: digest.octets, digest: digest.text }] as const;
    });
    return {
      speaker: this.#speaker,
      outputs: new Map(outputs),
      inputs: this.#inputs,
      elapsedMs: (this.#us - this.#startUs) / 1000,
      nowMs: this.#us / 1000,
      difference: this.#difference,
    };
  }

  /** @returns whether all was as recorded so far; `undefined` for an input that comes too late */
  play(
    input: InputRecord,
    accompanying: readonly AccompanyingRecord[],
    untilMs: number,
  ): boolean | undefined {
    if (this.#us + input.us - this.#startUs > untilMs * 1000) return undefined;
    this.#us += input.us;
    this.#inputs++;
    this.#expect(accompanying);
    const name = this.#perform(input);
    this.#compare(name, accompanying);
    return this.#difference === undefined;
  }

  #expect(accompanying: readonly AccompanyingRecord[]): void {
    this.#asked.clear();
    this.#told.clear();
    this.#answers.clear();
    this.#nested.clear();
    this.#output = new Digest();
    for (const record of accompanying) {
      if (record.kind === "answer") {
        const [question, n, answer] = JSON.parse(record.text) as [string, number, unknown];
        this.#answers.set(`${question} ${n}`, answer);
      } else if (record.kind === "nested") {
        const [hook, n, ...call] = JSON.parse(record.text) as [string, number, ...unknown[]];
        const calls = this.#nested.get(`${hook} ${n}`) ?? [];
        this.#nested.set(`${hook} ${n}`, [...calls, JSON.stringify(call)]);
      }
    }
  }

  /** @returns what the input was, for people */
  #perform(input: InputRecord): string {
    const speaker = this.#speaker;
    switch (input.kind) {
      case "received":
        speaker.received(input.connection, input.octets);
        return `${input.octets.length} octets received on connection ${input.connection}`;
      case "read":
      case "distribute":
        speaker[input.kind](() => this.#answer("mayContinue"));
        return input.kind;
      case "call":
        return this.#call(input.text);
    }
  }

  #call(text: string): string {
    const [name, ...args] = readCall(this.#speaker, text);
    const target = callTargets(this.#speaker).get(name);
    if (target === undefined)
      throw new RecordingError(`it has a call of ${name}, which is not known`);
    const { owner, method } = target;
    if (method === "accepted") args.push(() => this.#answer("objection"));
    const result = owner[method]?.(...args);
    if (method === "accepted" && typeof result === "number") this.#opened(result, String(args[0]));
    return name;
  }

  #compare(name: string, accompanying: readonly AccompanyingRecord[]): void {
    const { octets, word } = this.#output;
    let expected: Extract<AccompanyingRecord, { kind: "output" }> | undefined;
    for (const record of accompanying) {
      if (record.kind === "output") expected = record;
      else if (record.kind === "rib") this.#compareRibs(record.text);
    }
    if (octets !== (expected?.octets ?? 0)) {
      this.#differ(name, `wrote ${octets} octets where ${expected?.octets ?? 0} were recorded`);
    } else if (expected !== undefined && word !== expected.digest) {
      this.#differ(name, `wrote other octets than recorded, though as many (${octets})`);
    }
    const [unasked] = [...this.#answers.keys(), ...this.#nested.keys()];
    if (unasked !== undefined) this.#differ(name, `did not come to ask or tell "${unasked}"`);
  }

  #compareRibs(recorded: string): void {
    const { paths, digest } = valueOf(recorded) as ReturnType<typeof ribDigest>;
    const here = ribDigest(this.#speaker);
    if (here.paths === paths && here.digest === digest) return;
    const what = here.paths === paths ? "others" : `${here.paths}`;
    this.#differ("the end", `had ${what} in its RIBs where ${paths} paths were recorded`);
  }

  #differ(name: string, what: string): void {
    const seconds = ((this.#us - this.#startUs) / 1e6).toFixed(6);
    this.#difference ??= `at input ${this.#inputs}, ${seconds} s (${name}), the speaker ${what}`;
  }

  #answer<Q extends Question>(question: Q): Answers[Q] {
    const key = `${question} ${this.#asked.next(question)}`;
    if (!this.#answers.has(key)) return usualAnswers[question];
    const answer = this.#answers.get(key) as Answers[Q];
    this.#answers.delete(key);
    return answer;
  }

  #ports(): SpeakerPorts {
    return {
      connect: (connection, { address }) => this.#opened(connection, address),
      close: () => {},
      setReading: () => {},
      startTimer: () => {},
      stopTimer: () => {},
      wake: () => {},
      nowMs: () => this.#us / 1000,
      noAnswerHint: () => this.#answer("noAnswerHint"),
      localEnd: () => this.#answer("localEnd"),
      unsentOctets: () => this.#answer("unsentOctets"),
      random: () => this.#answer("random") ?? 0,
      write: (connection, parts) => {
        for (const part of parts) this.#wrote(connection, part);
        return this.#answer("write");
      },
    };
  }

  #opened(connection: number, address: string): void {
    this.#addresses.set(connection, address);
    const output = this.#outputs.get(address);
    if (output === undefined) this.#outputs.set(address, { connections: 1, digest: new Digest() });
    else output.connections++;
  }

  #wrote(connection: number, octets: Uint8Array): void {
    this.#output.update(octets);
    this.#outputs.get(this.#addresses.get(connection) ?? "")?.digest.update(octets);
  }

  #observer(observer: SpeakerObserver): SpeakerObserver {
    return new Proxy(observer, {
      get: (target, name) => {
        const hook = Reflect.get(target, name) as ((...args: unknown[]) => void) | undefined;
        return (...args: unknown[]): void => {
          const key = `${String(name)} ${this.#told.next(String(name))}`;
          hook?.apply(target, args);
          const calls = this.#nested.get(key) ?? [];
          this.#nested.delete(key);
          for (const call of calls) this.#call(call);
        };
      },
    });
  }
}
