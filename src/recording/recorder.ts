import type { PeerSettings } from "../bgp/peer-settings.ts";
import { Speaker } from "../bgp/speaker.ts";
import type { SpeakerConfig } from "../bgp/speaker-config.ts";
import type { SpeakerObserver, SpeakerPorts } from "../bgp/speaker-ports.ts";
import { type CallTarget, callTargets, callText } from "./calls.ts";
import { Digest } from "./digest.ts";
import { Counts, type Question, usualAnswers } from "./questions.ts";
import { type InputRecord, RecordWriter, runHeader } from "./records.ts";
import { ribDigest } from "./rib-digest.ts";
import { textOf } from "./settings-json.ts";

/** Records are given away when there are so many octets of them, at the latest. */
const chunkOctets = 64 * 1024;

/**
 * A speaker all of whose inputs are written down. Its time stands still during an input, and its memory of what is not given
 * away yet is some 64 KiB.
 */
export class Recorder {
  readonly speaker: Speaker;
  readonly #ports: SpeakerPorts;
  readonly #sink: (octets: Uint8Array) => void;
  readonly #records = new RecordWriter();
  readonly #asked = new Counts();
  readonly #told = new Counts();
  /** In microseconds, of the present input or the last. */
  #us: number;
  /** An input is under way. */
  #isInside = false;
  /** The observer is being told something within it: as the nth of its kind. */
  #hook: readonly [name: string, n: number] | undefined;
  #output = new Digest();

  /** @param sink is given octets to append, whole chunks at a time */
  constructor(
    config: SpeakerConfig,
    ports: SpeakerPorts,
    observer: SpeakerObserver,
    sink: (octets: Uint8Array) => void,
  ) {
    this.#ports = ports;
    this.#sink = sink;
    this.#us = Math.round(ports.nowMs() * 1000);
    sink(runHeader());
    this.#records.write({ kind: "start", text: textOf({ atUs: this.#us, config }) });
    this.speaker = new Speaker(config, this.#recordedPorts(), this.#recordedObserver(observer));
    for (const target of callTargets(this.speaker).values()) this.#intercept(target);
    this.#interceptSlices();
  }

  /** Gives away what was written down. */
  flush(): void {
    if (this.#records.length > 0) this.#sink(this.#records.takeChunk());
  }

  #recordedPorts(): SpeakerPorts {
    const ports = this.#ports;
    return {
      ...ports,
      nowMs: () => (this.#isInside ? this.#us / 1000 : ports.nowMs()),
      noAnswerHint: (to: PeerSettings) => this.#ask("noAnswerHint", () => ports.noAnswerHint(to)),
      localEnd: (connection) => this.#ask("localEnd", () => ports.localEnd(connection)),
      unsentOctets: (connection) => this.#ask("unsentOctets", () => ports.unsentOctets(connection)),
      random: () => this.#ask("random", () => ports.random()),
      write: (connection, parts) => {
        for (const part of parts) this.#output.update(part);
        return this.#ask("write", () => ports.write(connection, parts));
      },
    };
  }

  #ask<T>(question: Question, of: () => T): T {
    const n = this.#asked.next(question);
    const answer = of();
    if (answer !== usualAnswers[question]) {
      this.#records.write({ kind: "answer", text: textOf([question, n, answer]) });
    }
    return answer;
  }

  /** Whoever is told of something may answer with a call: it must be known when. */
  #recordedObserver(observer: SpeakerObserver): SpeakerObserver {
    return new Proxy(observer, {
      get: (target, name) => {
        const hook = Reflect.get(target, name) as ((...args: unknown[]) => void) | undefined;
        return (...args: unknown[]): void => {
          const before = this.#hook;
          this.#hook = [String(name), this.#told.next(String(name))];
          try {
            hook?.apply(target, args);
          } finally {
            this.#hook = before;
          }
        };
      },
    });
  }

  #intercept({ name, owner, method }: CallTarget): void {
    const plain = (owner[method] as CallTarget["owner"][string]).bind(owner);
    owner[method] = (...args) => {
      if (this.#isInside) return this.#nested(name, args, () => plain(...args));
      if (method === "stop") this.#checkRibs();
      const all = method === "accepted" ? [args[0], this.#objection(args[1])] : args;
      const record = { kind: "call", text: callText(name, args) } as const;
      return this.#input(record, () => plain(...all));
    };
  }

  #objection(given: unknown): unknown {
    if (typeof given !== "function") return undefined;
    return (settings: PeerSettings) => this.#ask("objection", () => given(settings));
  }

  /** A call of the observer is an input, one of the speaker itself follows from what it was told. */
  #nested<T>(name: string, args: readonly unknown[], perform: () => T): T {
    const hook = this.#hook;
    if (hook === undefined) return perform();
    const [, ...rest] = JSON.parse(callText(name, args)) as unknown[];
    this.#records.write({ kind: "nested", text: JSON.stringify([...hook, name, ...rest]) });
    this.#hook = undefined;
    try {
      return perform();
    } finally {
      this.#hook = hook;
    }
  }

  /** What comes often has records of its own. */
  #interceptSlices(): void {
    const { speaker } = this;
    const received = speaker.received.bind(speaker);
    speaker.received = (connection, octets) =>
      this.#input({ kind: "received", connection, octets }, () => received(connection, octets));
    for (const kind of ["read", "distribute"] as const) {
      const slice = speaker[kind].bind(speaker);
      speaker[kind] = (mayContinue) =>
        this.#input({ kind }, () => slice(() => this.#ask("mayContinue", mayContinue)));
    }
  }

  #input<T>(record: WithoutTime<InputRecord>, perform: () => T): T {
    const us = Math.max(this.#us, Math.round(this.#ports.nowMs() * 1000));
    this.#records.write({ ...record, us: us - this.#us });
    this.#us = us;
    this.#isInside = true;
    this.#asked.clear();
    this.#told.clear();
    this.#output = new Digest();
    try {
      return perform();
    } finally {
      this.#isInside = false;
      this.#checkOutput();
      if (record.kind !== "received" || this.#records.length >= chunkOctets) this.flush();
    }
  }

  #checkOutput(): void {
    const { octets, word } = this.#output;
    if (octets > 0) this.#records.write({ kind: "output", octets, digest: word });
  }

  /** Before the end: a replay can show then that it came to the same. */
  #checkRibs(): void {
    this.#records.write({ kind: "rib", text: textOf(ribDigest(this.speaker)) });
  }
}

type WithoutTime<T> = T extends unknown ? Omit<T, "us"> : never;
