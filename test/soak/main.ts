// npm run test:soak -- [--minutes N] [--peers N] [--seed N] [--stall-ms N] [--alone]: see soak.ts. A finding names its seed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Network } from "../support/netns.ts";
import { enterNewNamespace } from "../support/own-namespace.ts";
import { daemonAddresses, plugDaemons } from "./daemons.ts";
import { Deeds } from "./deeds.ts";
import { MargayUnderTest } from "./margay-under-test.ts";
import { Soak } from "./soak.ts";
import type { SoakDaemon } from "./soak-daemon.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    peers: { type: "string", default: "40" },
    // By the clock: daemons and forty clients want the same processors, and a turn may have to wait for one.
    "stall-ms": { type: "string", default: "500" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    alone: { type: "boolean", default: false },
  },
});
const [minutes, peers, seed] = [Number(values.minutes), Number(values.peers), Number(values.seed)];
const stallMs = Number(values["stall-ms"]);
if (
  !(minutes > 0) ||
  !Number.isInteger(peers) ||
  peers < 2 ||
  !Number.isInteger(seed) ||
  !(stallMs > 0)
) {
  throw new Error(
    "usage: npm run test:soak -- [--minutes N] [--peers N] [--seed N] [--stall-ms N] [--alone]",
  );
}
if (!values.alone) {
  const cannot = enterNewNamespace();
  if (cannot !== false) throw new Error(`${cannot}; --alone does without BIRD and FRR`);
}

const directory = mkdtempSync(join(tmpdir(), "mgs-"));
const network = new Network("mgs-soak");
const margay = new MargayUnderTest(directory, values.alone ? 17_920 : 179);
const deeds = new Deeds();
let daemons: readonly SoakDaemon[] = [];
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
say(`${peers} peers${values.alone ? "" : ", BIRD and FRR"} for ${minutes} min, seed ${seed}`);
try {
  // All that happens is recorded, unless it is too much to hold at once when it is replayed.
  const isRecorded = minutes <= 10;
  if (!values.alone) daemons = await plugDaemons(network, directory, { margay, deeds, seed });
  await margay.start(isRecorded, values.alone ? [] : daemonAddresses);
  await Promise.all(daemons.map((daemon) => daemon.start()));
  const soak = new Soak(margay, {
    ...{ seconds: minutes * 60, roundSeconds: 10, stallMs, peers, seed, daemons, deeds },
    report: say,
  });
  const { rounds, sessions, compared, longestTurnMs, first, last } = await soak.run();
  await margay.stop();
  const complaint = isRecorded ? await margay.replayComplaint() : undefined;
  if (complaint !== undefined) throw new Error(`the recording replays otherwise: ${complaint}`);
  const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);
  say(
    [...deeds.counts].map(([deed, count]) => `${String(count).padStart(8)} × ${deed}`).join("\n"),
  );
  process.stdout.write(
    `${rounds} rounds, ${sessions} sessions, ${compared} paths told as they should be; memory ${megabytes(first.residentOctets)} then ${megabytes(last.residentOctets)} MB, ` +
      `descriptors ${first.descriptors} then ${last.descriptors}, longest turn ${longestTurnMs.toFixed(1)} ms${isRecorded ? ", replayed alike" : ""}\n`,
  );
} catch (error) {
  for (const log of [margay, ...daemons].map((one) => one.log())) say(log.slice(-3000));
  throw error;
} finally {
  await Promise.allSettled([margay, ...daemons].map((one) => one.stop()));
  await network.destroy();
  rmSync(directory, { recursive: true });
}
