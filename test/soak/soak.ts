import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ErrorCode } from "../../src/bgp/iana.ts";
import type { Offence } from "../../src/bgp/offence.ts";
import { corpus } from "../fuzz/corpus.ts";
import { mutate } from "../fuzz/mutate.ts";
import { PseudoRandom } from "../fuzz/pseudo-random.ts";
import { until } from "../support/until.ts";
import type { Deeds } from "./deeds.ts";
import type { Footprint, MargayUnderTest } from "./margay-under-test.ts";
import { ownPrefixes, sharedPrefixes } from "./prefixes.ts";
import { differences, select, type Selection, type SoakPath } from "./selection.ts";
import type { SoakDaemon } from "./soak-daemon.ts";
import { SoakPeer } from "./soak-peer.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly peers: number;
  readonly seed: number;
  /** Of unrest, before everything must come to rest and is compared. */
  readonly roundSeconds: number;
  /** Milliseconds that no turn of margay's event loop may exceed. */
  readonly stallMs: number;
  /** Clients that are daemons of somebody else, started. */
  readonly daemons?: readonly SoakDaemon[];
  readonly deeds: Deeds;
  /** Told how it goes. */
  readonly report: (line: string) => void;
}

export interface SoakResult {
  readonly rounds: number;
  readonly sessions: number;
  /** Paths compared with what they should be. */
  readonly compared: number;
  readonly longestTurnMs: number;
  readonly first: Footprint;
  readonly last: Footprint;
}

/** Of a session that is up: hold, keepalive, send hold, and the one after which failures are forgotten. */
const timersPerSession = 4;
/** Offences that nobody commits who keeps to the protocol. */
const malformedKinds: ReadonlySet<string> = new Set<Offence>([
  "attribute-discard",
  "treat-as-withdraw",
  "message-error",
]);
/** Other daemons may take their time on a machine that is busy. */
const patience = { timeoutSeconds: 120 } as const;
/** Rounds that a process takes to be as large as it stays. */
const warmRounds = 4;
/** What it may grow by after these: heap that nobody has collected yet. */
const growthOctets = 32 * 1024 * 1024;

/** Clients of a reflector that do all that clients do, and what they should not, while it is looked at whether it holds. */
export class Soak {
  readonly #options: SoakOptions;
  readonly #margay: MargayUnderTest;
  readonly #random: PseudoRandom;
  readonly #corpus = corpus();
  readonly #peers: readonly SoakPeer[];
  readonly #daemons: readonly SoakDaemon[];
  /** How often each daemon had lost its session when it was last looked at. */
  readonly #flaps = new Map<SoakDaemon, number>();
  /** Whether there is nobody who sends what is mutated: who loses a session then has been told what is malformed. */
  #isClean = true;
  #community = 0;
  #compared = 0;
  #longestTurnMs = 0;

  constructor(margay: MargayUnderTest, options: SoakOptions) {
    this.#margay = margay;
    this.#options = options;
    this.#random = new PseudoRandom(options.seed);
    this.#daemons = options.daemons ?? [];
    this.#peers = Array.from({ length: options.peers }, (_, index) => {
      return new SoakPeer(index, margay.port);
    });
  }

  /** @throws Error at the first thing that does not hold */
  async run(): Promise<SoakResult> {
    const { seconds, roundSeconds } = this.#options;
    const endMs = performance.now() + seconds * 1000;
    for (const peer of this.#peers) peer.start();
    try {
      await this.#rest();
      let first: Footprint | undefined;
      let last: Footprint | undefined;
      let rounds = 0;
      do {
        this.#isClean = rounds % 2 === 1;
        await this.#unrest(Math.min(roundSeconds, Math.max(1, (endMs - performance.now()) / 1000)));
        await this.#rest();
        last = await this.#holds(first);
        if (first === undefined || rounds < warmRounds) first = last;
        rounds++;
      } while (performance.now() < endMs);
      const sessions = this.#peers.reduce((sum, peer) => sum + peer.sessions, 0);
      const [compared, longestTurnMs] = [this.#compared, this.#longestTurnMs];
      return { rounds, sessions, compared, longestTurnMs, first, last };
    } finally {
      for (const peer of this.#peers) peer.stop();
    }
  }

  /** Clients do at random what clients may and may not do. */
  async #unrest(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    await Promise.all([
      this.#peersUnrest(endMs),
      ...this.#daemons.map((daemon) => daemon.unrest(endMs)),
    ]);
  }

  async #peersUnrest(endMs: number): Promise<void> {
    while (performance.now() < endMs) {
      for (const peer of this.#peers) if (peer.isEstablished) this.#act(peer);
      if (this.#random.integer(4) === 0) this.#intrude();
      await delay(5);
    }
  }

  #did(deed: string): void {
    this.#options.deeds.did(deed);
  }

  #act(peer: SoakPeer): void {
    const random = this.#random;
    const dice = random.integer(1000);
    const prefixes = this.#pickPrefixes(peer);
    const path: SoakPath = { localPref: 100 + random.integer(3), communities: [++this.#community] };
    if (dice < 250) {
      this.#did("announce");
      peer.announce(prefixes, path);
    } else if (dice < 400) {
      this.#did("withdraw");
      peer.withdraw(prefixes);
    } else if (dice < 420) {
      this.#did("announce what is malformed");
      peer.announceBroken(prefixes, path);
    } else if (dice < 425) {
      this.#did("refresh");
      peer.refresh();
    } else if (dice < 428) {
      this.#did("flap");
      peer.flap();
    } else if (dice < 431) {
      if (this.#isClean) return;
      this.#did("send a mutated message, and end the session");
      const octets = mutate([...this.#corpus, peer.updateOf(prefixes, path)], random);
      peer.offend(octets);
    } else if (dice < 433) {
      this.#did("stop reading for a while");
      peer.setReading(false);
      setTimeout(() => peer.setReading(true), 100 + random.integer(1500)).unref();
    }
  }

  #pickPrefixes(peer: SoakPeer): string[] {
    const random = this.#random;
    const own = ownPrefixes(this.#peers.indexOf(peer));
    const prefixes = new Set<string>();
    for (let count = 1 + random.integer(20); count > 0; count--) {
      prefixes.add(random.pick(random.integer(3) === 0 ? sharedPrefixes : own));
    }
    return [...prefixes];
  }

  /** Somebody connects who is no peer, or who says nothing or garbage. */
  #intrude(): void {
    const isStranger = this.#random.integer(2) === 0;
    this.#did(isStranger ? "connect as a stranger" : "connect and send garbage");
    const host = 1 + this.#random.integer(250);
    const localAddress = isStranger ? `127.99.0.${host}` : `127.20.200.${host}`;
    const socket = new Socket().on("error", () => {}).on("data", () => {});
    socket.connect({ host: "127.0.0.1", port: this.#margay.port, localAddress }, () => {
      const octets = mutate(this.#corpus, this.#random);
      socket.end(octets);
    });
    setTimeout(() => socket.destroy(), 2000).unref();
  }

  /** Waits until all sessions are up and everybody has been told just what he should have been. */
  async #rest(): Promise<void> {
    const clients = [...this.#peers, ...this.#daemons];
    await until(
      "all sessions to be up",
      async () => {
        const [up = 0] = await this.#sessions();
        const daemons = await Promise.all(this.#daemons.map((daemon) => daemon.isEstablished()));
        return (
          up === clients.length &&
          this.#peers.every((peer) => peer.isEstablished) &&
          daemons.every(Boolean)
        );
      },
      patience,
    );
    for (const peer of this.#peers) peer.setReading(true);
    let wrong: readonly string[] = [];
    await until(
      "everybody to be told what the others announce",
      async () => {
        wrong = await this.#wrong(select(clients));
        return wrong.length === 0;
      },
      patience,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${wrong.slice(0, 20).join("\n")}`, { cause: error });
    });
    this.#compared += select(clients).size * (clients.length + 1);
  }

  /** What is not as it should be in the reflector's RIB and in those of its clients. */
  async #wrong(best: Selection): Promise<readonly string[]> {
    const complaints = (who: string, found: readonly string[]): readonly string[] =>
      found.map((one) => `${who}: ${one}`);
    // Who is asked by a process or two is asked once all else is well.
    const ofPeers = this.#peers.flatMap((peer) =>
      complaints(peer.address, differences(peer.told, best, peer)),
    );
    if (ofPeers.length > 0) return ofPeers;
    const ofMargay = complaints("margay", differences(await this.#margay.selected(), best));
    if (ofMargay.length > 0) return ofMargay;
    const tables = await Promise.all(this.#daemons.map((daemon) => daemon.told()));
    return this.#daemons.flatMap((daemon, index) =>
      complaints(daemon.kind, differences(tables[index] ?? new Map(), best, daemon)),
    );
  }

  /** Sessions that are up, as margay sees it, and timers that run. */
  async #sessions(): Promise<readonly number[]> {
    const metrics = await this.#margay.metrics();
    const names = ['margay_peers{state="Established"}', "margay_session_timers"];
    return names.map((name) => metrics.get(name) ?? Number.NaN);
  }

  /** What must be so when all is at rest. */
  async #holds(first: Footprint | undefined): Promise<Footprint> {
    const complaints = this.#peers.flatMap((peer) => {
      return peer.complaints.map((complaint) => `${peer.address}: ${complaint}`);
    });
    if (complaints.length > 0) throw new Error(complaints.slice(0, 20).join("\n"));
    for (const daemon of this.#daemons) await this.#isWell(daemon);
    const metrics = await this.#margay.metrics();
    const turnMs =
      (metrics.get('margay_event_loop_turn_maximum_seconds{since="start"}') ?? Number.NaN) * 1000;
    this.#longestTurnMs = turnMs;
    // Negated, so that a metric that is missing does not hold.
    if (!(turnMs <= this.#options.stallMs)) {
      throw new Error(`a turn of the event loop took ${turnMs} ms`);
    }
    // Garblers who have connected and are not given up yet hold a descriptor, and timers, each.
    await until(
      "the connections of intruders to be gone, and their timers",
      async () => {
        const [up = Number.NaN, timers = Number.NaN] = await this.#sessions();
        const clients = this.#peers.length + this.#daemons.length;
        return up === clients && timers <= timersPerSession * clients;
      },
      patience,
    );
    const footprint = await this.#margay.footprint();
    this.#options.report(
      `${(footprint.residentOctets / 1e6).toFixed(0)} MB, heap ${(footprint.heapOctets / 1e6).toFixed(0)} MB, external ${(footprint.externalOctets / 1e6).toFixed(0)} MB, ${footprint.descriptors} descriptors, longest turn ${turnMs.toFixed(1)} ms, ${this.#compared} paths compared`,
    );
    if (first === undefined) return footprint;
    for (const memory of ["residentOctets", "heapOctets"] as const) {
      const grown = footprint[memory] - first[memory];
      // Negated, as above.
      if (!(grown <= growthOctets)) throw new Error(`${memory} has grown by ${grown}`);
    }
    const descriptors = footprint.descriptors - first.descriptors;
    if (descriptors > 16)
      throw new Error(`there are ${descriptors} descriptors more than at first`);
    return footprint;
  }

  /**
   * A daemon sends nothing that is malformed, and has nothing to complain of. Where others send what is mutated it may: what
   * we let pass and pass on, others may take for malformed.
   */
  async #isWell(daemon: SoakDaemon): Promise<void> {
    const { flaps, lastDown, offences } = await this.#margay.peer(daemon.address);
    const isNew = flaps !== (this.#flaps.get(daemon) ?? 0);
    this.#flaps.set(daemon, flaps);
    // Those that operators end with a Cease, or without a word.
    const isUsual = lastDown === undefined || [0, ErrorCode.cease].includes(lastDown.code);
    if (isNew && !isUsual) {
      const text = `${daemon.kind} lost its session: ${lastDown.text}`;
      if (this.#isClean) throw new Error(text);
      this.#did(text);
    }
    const malformed = offences.filter(({ kind }) => malformedKinds.has(kind));
    if (malformed.length > 0) {
      throw new Error(malformed.map(({ text }) => `${daemon.kind}: ${text}`).join("\n"));
    }
  }
}
