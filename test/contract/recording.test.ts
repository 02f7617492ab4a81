/** `--record` of a real daemon that peers over TCP, is killed and started again, and `margay replay`. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { Daemon } from "../support/daemon.ts";
import { margayCommand } from "../support/margay.ts";
import { attempt, run } from "../support/run.ts";
import { until } from "../support/until.ts";

const asn = 65_000;
const recorded = { address: "127.0.77.1", prefix: "10.1.0.0/24", nextHop: "192.0.2.1" };
const other = { address: "127.0.77.2", prefix: "10.2.0.0/24", nextHop: "192.0.2.2" };
const port = 17_977;
const directory = mkdtempSync(join(tmpdir(), "margay-recording-"));
const recording = join(directory, "margay.rec");
const daemons: Daemon[] = [];

/** `margay speaker` that peers with the other of the two. */
function start(self: typeof recorded, peer: typeof other, options: readonly string[] = []): Daemon {
  const file = join(directory, `${self.address}.yaml`);
  writeFileSync(
    file,
    stringify({
      asn,
      routerId: self.address,
      listen: { address: self.address, port },
      api: { socket: join(directory, `${self.address}.sock`) },
      timers: { connectRetrySeconds: 1, idleHoldSeconds: 0.1 },
      peers: [{ address: peer.address, asn, port }],
      originate: [{ prefix: self.prefix, nextHop: self.nextHop }],
    }),
  );
  const argv = margayCommand(["speaker", "--config", file, ...options]);
  const daemon = new Daemon({ argv, logFile: join(directory, `${self.address}.log`) });
  daemons.push(daemon);
  return daemon;
}

/** Waits until the recorded speaker has the other's route. */
function learned(daemon: Daemon): Promise<unknown> {
  const socket = join(directory, `${recorded.address}.sock`);
  return until(`${other.prefix} to be learned`, async () => {
    daemon.assertAlive();
    const { stdout } = await attempt(margayCommand(["routes", other.prefix, "--socket", socket]));
    return stdout.includes(other.prefix);
  });
}

interface Replay {
  readonly routes: readonly { readonly prefix: string }[];
  readonly peers: readonly { readonly address: string; readonly octets: number }[];
  readonly runs: number;
  readonly isTruncated: boolean;
  readonly difference?: string;
}

async function replay(...options: readonly string[]): Promise<Replay> {
  return JSON.parse(await run(margayCommand(["replay", ...options, "-o", "json"])));
}

before(() => start(other, recorded));
after(async () => {
  await Promise.all(daemons.map((daemon) => daemon.kill()));
  rmSync(directory, { recursive: true });
});

test("what was recorded before kill -9 replays; the next life is appended", async () => {
  const killed = start(recorded, other, ["--record", recording]);
  await learned(killed);
  await killed.kill();
  assert.equal(statSync(recording).mode & 0o777, 0o600);
  const first = await replay(recording);
  assert.deepEqual(first.routes.map(({ prefix }) => prefix).toSorted(), [
    recorded.prefix,
    other.prefix,
  ]);
  assert.equal(first.peers[0]?.address, other.address);
  assert.ok((first.peers[0]?.octets ?? 0) > 100);
  assert.deepEqual([first.runs, first.isTruncated, first.difference], [1, false, undefined]);

  // As if the kill had come in the middle of a write.
  appendFileSync(recording, Uint8Array.of(0, 0, 1, 0, 42));
  assert.equal((await replay(recording)).isTruncated, true);

  const next = start(recorded, other, ["--record", recording]);
  await learned(next);
  await next.stop();
  const second = await replay(recording);
  assert.deepEqual([second.runs, second.isTruncated, second.difference], [2, false, undefined]);
  assert.deepEqual(second.routes, (await replay(recording, "--run", "2")).routes);
  assert.equal((await replay(recording, "--run", "1")).difference, undefined);

  const compressed = join(directory, "margay.rec.gz");
  writeFileSync(compressed, gzipSync(readFileSync(recording)));
  const { code, stdout, stderr } = await attempt(margayCommand(["replay", compressed]));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^PREFIX .*\n10\.1\.0\.0\/24 +best +local/);
  assert.match(stdout, /\nPEER +CONNECTIONS +OCTETS-SENT +DIGEST\n127\.0\.77\.2 /);
  assert.match(stderr, /are as they were recorded\./);
});

test("what is no recording is neither replayed nor appended to", async () => {
  const file = join(directory, "letter.txt");
  writeFileSync(file, "Dear reader,\n");
  const replayed = await attempt(margayCommand(["replay", file]));
  assert.equal(replayed.code, 1);
  assert.match(replayed.stderr, /letter\.txt cannot be replayed: it is not a recording of margay/);
  const config = join(directory, `${other.address}.yaml`);
  const args = ["speaker", "--config", config, "--record", file];
  const started = await attempt(margayCommand(args));
  assert.equal(started.code, 1);
  assert.match(started.stderr, /letter\.txt cannot be recorded to: it is not a recording/);
  assert.equal(readFileSync(file, "utf8"), "Dear reader,\n");
  const missing = await attempt(margayCommand(["replay", join(directory, "nowhere.rec")]));
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /nowhere\.rec cannot be read: ENOENT/);
});
