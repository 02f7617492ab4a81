import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { corpus } from "../fuzz/corpus.ts";
import { mutate } from "../fuzz/mutate.ts";
import { PseudoRandom } from "../fuzz/pseudo-random.ts";
import { until } from "../support/until.ts";
import type { Footprint, MargayUnderTest } from "./margay-under-test.ts";
import { type SoakPath, SoakPeer } from "./soak-peer.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly peers: number;
  readonly seed: number;
  /** Of unrest, before everything must come to rest and is compared. */
  readonly roundSeconds: number;
  /** Milliseconds that no turn of margay's event loop may exceed. */
  readonly stallMs: number;
  /** Told how it goes. */
  readonly report: (line: string) => void;
}

export interface SoakResult {
  readonly rounds: number;
  /** What peers did, by kind. */
  readonly deeds: ReadonlyMap<string, number>;
  readonly sessions: number;
  /** Paths compared with what they should be. */
  readonly compared: number;
  readonly longestTurnMs: number;
  readonly first: Footprint;
  readonly last: Footprint;
}

const prefixesPerPeer = 60;
/** Announced by several peers, so that there is something to decide. */
const sharedPrefixes = 40;
/** Of a session that is up: hold, keepalive, send hold, and the one after which failures are forgotten. */
const timersPerSession = 4;
/** What the process may grow by after the first round: heap that nobody has collected yet. */
const growthOctets = 64 * 1024 * 1024;

/** Clients of a reflector that do all that clients do, and what they should not, while it is looked at whether it holds. */
export class Soak {
  readonly #options: SoakOptions;
  readonly #margay: MargayUnderTest;
  readonly #random: PseudoRandom;
  readonly #corpus = corpus();
  readonly #peers: readonly SoakPeer[];
  readonly #deeds = new Map<string, number>();
  #community = 0;
  #compared = 0;
  #longestTurnMs = 0;

  constructor(margay: MargayUnderTest, options: SoakOptions) {
    this.#margay = margay;
    this.#options = options;
    this.#random = new PseudoRandom(options.seed);
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
        await this.#unrest(Math.min(roundSeconds, Math.max(1, (endMs - performance.now()) / 1000)));
        await this.#rest();
        last = await this.#holds(first);
        first ??= last;
        rounds++;
      } while (performance.now() < endMs);
      const sessions = this.#peers.reduce((sum, peer) => sum + peer.sessions, 0);
      const { deeds, compared, longestTurnMs } = this.#counts();
      return { rounds, deeds, sessions, compared, longestTurnMs, first, last };
    } finally {
      for (const peer of this.#peers) peer.stop();
    }
  }

  #counts(): Pick<SoakResult, "deeds" | "compared" | "longestTurnMs"> {
    return {
      deeds: this.#deeds,
      compared: this.#compared,
      longestTurnMs: this.#longestTurnMs,
    };
  }

  /** Peers do at random what peers may and may not do. */
  async #unrest(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    while (performance.now() < endMs) {
      for (const peer of this.#peers) if (peer.isEstablished) this.#act(peer);
      if (this.#random.integer(4) === 0) this.#intrude();
      await delay(5);
    }
  }

  #did(deed: string): void {
    this.#deeds.set(deed, (this.#deeds.get(deed) ?? 0) + 1);
  }

  #act(peer: SoakPeer): void {
    const random = this.#random;
    const dice = random.integer(1000);
    const prefixes = this.#pickPrefixes(peer);
    const path: SoakPath = { localPref: 100 + random.integer(3), community: ++this.#community };
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
    const index = this.#peers.indexOf(peer);
    const prefixes = new Set<string>();
    for (let count = 1 + random.integer(20); count > 0; count--) {
      prefixes.add(
        random.integer(3) === 0
          ? `10.200.${random.integer(sharedPrefixes)}.0/24`
          : `10.${index >> 8}.${index & 0xff}.${random.integer(prefixesPerPeer) * 4}/30`,
      );
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
    await until("all sessions to be up", () => this.#peers.every((peer) => peer.isEstablished), {
      timeoutSeconds: 60,
    });
    for (const peer of this.#peers) peer.setReading(true);
    await until(
      "everybody to be told what the others announce",
      () => {
        const best = this.#selected();
        return this.#peers.every((peer) => differences(peer, best).length === 0);
      },
      { timeoutSeconds: 60 },
    ).catch((error: unknown) => {
      const best = this.#selected();
      const wrong = this.#peers.flatMap((peer) => {
        return differences(peer, best).map((one) => `${peer.address}: ${one}`);
      });
      throw new Error(`${String(error)}\n${wrong.slice(0, 20).join("\n")}`, { cause: error });
    });
  }

  /** The path to each prefix that a speaker selects, RFC 4271 §9.1: by LOCAL_PREF, then by identifier. */
  #selected(): ReadonlyMap<string, { readonly peer: SoakPeer; readonly path: SoakPath }> {
    const best = new Map<string, { peer: SoakPeer; path: SoakPath }>();
    for (const peer of this.#peers) {
      for (const [prefix, path] of peer.announced) {
        const other = best.get(prefix);
        const wins =
          other === undefined ||
          path.localPref > other.path.localPref ||
          (path.localPref === other.path.localPref && peer.identifier < other.peer.identifier);
        if (wins) best.set(prefix, { peer, path });
      }
    }
    return best;
  }

  /** What must be so when all is at rest. */
  async #holds(first: Footprint | undefined): Promise<Footprint> {
    const complaints = this.#peers.flatMap((peer) => {
      return peer.complaints.map((complaint) => `${peer.address}: ${complaint}`);
    });
    if (complaints.length > 0) throw new Error(complaints.slice(0, 20).join("\n"));
    this.#compared += this.#peers.reduce((sum, { told }) => sum + told.size, 0);
    const metrics = await this.#margay.metrics();
    const turnMs =
      (metrics.get('margay_event_loop_turn_maximum_seconds{since="start"}') ?? Number.NaN) * 1000;
    this.#longestTurnMs = turnMs;
    // Negated, so that a metric that is missing does not hold.
    if (!(turnMs <= this.#options.stallMs)) {
      throw new Error(`a turn of the event loop took ${turnMs} ms`);
    }
    // Garblers who have connected and are not given up yet hold a descriptor, and timers, each.
    await until("the connections of intruders to be gone, and their timers", async () => {
      const now = await this.#margay.metrics();
      const open = now.get('margay_peers{state="Established"}');
      const timers = now.get("margay_session_timers") ?? Number.NaN;
      return open === this.#peers.length && timers <= timersPerSession * open;
    });
    const selected = metrics.get('margay_rib_prefixes{family="ipv4-unicast"}');
    if (selected !== this.#selected().size) {
      throw new Error(`${selected} prefixes in the RIB rather than ${this.#selected().size}`);
    }
    const footprint = await this.#margay.footprint();
    this.#options.report(
      `${(footprint.residentOctets / 1e6).toFixed(0)} MB, ${footprint.descriptors} descriptors, longest turn ${turnMs.toFixed(1)} ms, ${this.#compared} paths compared`,
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
}

/** What a peer should have been told and was not, and the other way round. */
function differences(
  to: SoakPeer,
  best: ReadonlyMap<string, { readonly peer: SoakPeer; readonly path: SoakPath }>,
): string[] {
  const wrong: string[] = [];
  let expected = 0;
  for (const [prefix, { peer, path }] of best) {
    if (peer === to) continue;
    expected++;
    const wanted = `${peer.nextHop} ${path.localPref} ${path.community}`;
    const told = to.told.get(prefix);
    if (told !== wanted) wrong.push(`${prefix} as ${told} rather than ${wanted}`);
  }
  if (wrong.length === 0 && to.told.size !== expected) {
    wrong.push(`${to.told.size} prefixes rather than ${expected}`);
  }
  return wrong;
}
