import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { PeerAction } from "../../src/gen/margay/v1/management_pb.ts";
import type { Peer } from "../../src/gen/margay/v1/peer_pb.ts";
import { parseCommunity } from "../../src/net/community.ts";
import { Margay, margayCommand } from "../support/margay.ts";
import { OwnNamespace } from "../support/own-namespace.ts";
import { attempt } from "../support/run.ts";
import { until } from "../support/until.ts";
import { pathText, type Table } from "./selection.ts";
import { ASN } from "./soak-peer.ts";

/**
 * A heap of several times what it needs; and a small nursery, without which V8 goes on for an hour to take pages that little is
 * in. Garbage is collected soon then, and what still grows is none.
 */
const heapOptions = "--max-old-space-size=64 --max-semi-space-size=2";

/** A figure of a process that must not grow. */
export interface Footprint {
  readonly residentOctets: number;
  /** JavaScript objects, with what nobody has collected yet. */
  readonly heapOctets: number;
  /** Of buffers that are not on the heap. */
  readonly externalOctets: number;
  readonly descriptors: number;
}

/** `margay speaker`, which reflects between all who come from 127.20.0.0/16 and some others, in a process of its own. */
export class MargayUnderTest {
  readonly port: number;
  readonly #recording: string;
  readonly #metricsPort: number;
  readonly #margay: Margay;

  /** @param directory exists, and is this daemon's alone */
  constructor(directory: string, port: number) {
    this.port = port;
    this.#metricsPort = port + 1;
    this.#recording = join(directory, "soak.rec");
    this.#margay = new Margay(new OwnNamespace(), directory);
  }

  /** @param clients addresses of those beside the range, who listen, too */
  async start(isRecorded: boolean, clients: readonly string[] = []): Promise<void> {
    const range = { prefix: "127.20.0.0/16", asns: "internal", limit: 1000, client: true };
    const file = {
      asn: ASN,
      routerId: "10.0.0.1",
      listen: { address: clients.length === 0 ? "127.0.0.1" : "0.0.0.0", port: this.port },
      metrics: { listen: `127.0.0.1:${this.#metricsPort}` },
      timers: {
        gracefulRestartSeconds: 0,
        endOfRibWaitSeconds: 0,
        connectRetrySeconds: 1,
        idleHoldSeconds: 0.2,
      },
      peers: clients.map((address) => ({ address, asn: ASN, client: true })),
      ranges: [range],
      log: { level: "warn" },
    };
    await this.#margay.startSpeaker(file, {
      options: isRecorded ? ["--record", this.#recording] : [],
      environment: { NODE_OPTIONS: heapOptions },
    });
    await until("margay to tell its metrics", async () => (await this.metrics()).size > 0);
  }

  /** Values by metric with its labels. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    this.#margay.daemon.assertAlive();
    const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`);
    const lines = (await answer.text()).split("\n").filter((line) => /^\w/.test(line));
    return new Map(
      lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.split(" ").at(-1))]),
    );
  }

  /** Of each prefix the path that it has selected. */
  async selected(): Promise<Table> {
    const table = new Map<string, string>();
    for (const { prefix, candidates } of await this.#margay.routes()) {
      const best = candidates.find((candidate) => candidate.best);
      if (best === undefined) continue;
      const communities = best.communities.map((text) => parseCommunity(text) ?? Number.NaN);
      table.set(prefix, pathText(best.nextHop, best.localPref ?? Number.NaN, communities));
    }
    return table;
  }

  async peer(address: string): Promise<Peer> {
    const peer = await this.#margay.peer(address);
    if (peer === undefined) throw new Error(`margay has no peer ${address}`);
    return peer;
  }

  control(address: string, action: PeerAction, message = ""): Promise<void> {
    return this.#margay.control(address, action, message);
  }

  async footprint(): Promise<Footprint> {
    const { pid } = this.#margay.daemon;
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    const metrics = await this.metrics();
    return {
      residentOctets: pages * 4096,
      heapOctets: metrics.get("nodejs_heap_size_used_bytes") ?? Number.NaN,
      externalOctets: metrics.get("nodejs_external_memory_bytes") ?? Number.NaN,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    };
  }

  log(): string {
    return this.#margay.log();
  }

  async stop(): Promise<void> {
    await this.#margay.stop();
  }

  /** What `margay replay` has against the recording; undefined: nothing. */
  async replayComplaint(): Promise<string | undefined> {
    const { code, stderr } = await attempt(
      margayCommand(["replay", this.#recording, "-o", "json"]),
    );
    return code === 0 ? undefined : stderr;
  }
}
