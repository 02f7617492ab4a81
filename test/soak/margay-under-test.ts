import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { Daemon } from "../support/daemon.ts";
import { margayCommand } from "../support/margay.ts";
import { attempt } from "../support/run.ts";
import { until } from "../support/until.ts";
import { ASN } from "./soak-peer.ts";

/** Several times what it needs. */
const heapMebibytes = 96;

/** A figure of a process that must not grow. */
export interface Footprint {
  readonly residentOctets: number;
  /** JavaScript objects, with what nobody has collected yet. */
  readonly heapOctets: number;
  readonly descriptors: number;
}

/** `margay speaker`, which reflects between all who come from 127.20.0.0/16, in a process of its own. */
export class MargayUnderTest {
  readonly port: number;
  readonly recording: string;
  readonly #metricsPort: number;
  readonly #directory: string;
  #daemon: Daemon | undefined;

  constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
    this.#metricsPort = port + 1;
    this.recording = join(directory, "soak.rec");
  }

  async start(isRecorded: boolean): Promise<void> {
    const file = join(this.#directory, "speaker.yaml");
    const range = { prefix: "127.20.0.0/16", asns: "internal", limit: 1000, client: true };
    writeFileSync(
      file,
      stringify({
        asn: ASN,
        routerId: "10.0.0.1",
        listen: { address: "127.0.0.1", port: this.port },
        api: { socket: join(this.#directory, "margay.sock") },
        metrics: { listen: `127.0.0.1:${this.#metricsPort}` },
        timers: { gracefulRestartSeconds: 0, endOfRibWaitSeconds: 0 },
        ranges: [range],
        log: { level: "warn" },
      }),
    );
    const record = isRecorded ? ["--record", this.recording] : [];
    this.#daemon = new Daemon({
      argv: margayCommand(["speaker", "--config", file, ...record]),
      logFile: join(this.#directory, "margay.log"),
      // Garbage is collected soon then, and what still grows is none.
      environment: { NODE_OPTIONS: `--max-old-space-size=${heapMebibytes}` },
    });
    await until("margay to answer", async () => {
      this.#alive.assertAlive();
      return (await this.metrics()).size > 0;
    });
  }

  get #alive(): Daemon {
    if (this.#daemon === undefined) throw new Error("margay was not started");
    return this.#daemon;
  }

  /** Values by metric with its labels. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    this.#alive.assertAlive();
    const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`);
    const lines = (await answer.text()).split("\n").filter((line) => /^\w/.test(line));
    return new Map(
      lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.split(" ").at(-1))]),
    );
  }

  async footprint(): Promise<Footprint> {
    const { pid } = this.#alive;
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return {
      residentOctets: pages * 4096,
      heapOctets: (await this.metrics()).get("nodejs_heap_size_used_bytes") ?? Number.NaN,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    };
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** What `margay replay` has against the recording; undefined: nothing. */
  async replayComplaint(): Promise<string | undefined> {
    const { code, stderr } = await attempt(margayCommand(["replay", this.recording, "-o", "json"]));
    return code === 0 ? undefined : stderr;
  }
}
