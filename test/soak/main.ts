// npm run test:soak -- [--minutes N] [--peers N] [--seed N] [--stall-ms N]: see soak.ts. A finding names its seed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MargayUnderTest } from "./margay-under-test.ts";
import { Soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    peers: { type: "string", default: "40" },
    "stall-ms": { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const [minutes, peers, seed] = [Number(values.minutes), Number(values.peers), Number(values.seed)];
// On a machine that others keep busy a turn takes longer than its work.
const stallMs = Number(values["stall-ms"]);
if (
  !(minutes > 0) ||
  !Number.isInteger(peers) ||
  peers < 2 ||
  !Number.isInteger(seed) ||
  !(stallMs > 0)
) {
  throw new Error(
    "usage: npm run test:soak -- [--minutes N] [--peers N] [--seed N] [--stall-ms N]",
  );
}

const directory = mkdtempSync(join(tmpdir(), "margay-soak-"));
const margay = new MargayUnderTest(directory, 17_920);
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
say(`${peers} peers for ${minutes} min, seed ${seed}`);
try {
  // All that happens is recorded, unless it is too much to hold at once when it is replayed.
  const isRecorded = minutes <= 10;
  await margay.start(isRecorded);
  const soak = new Soak(margay, {
    ...{ seconds: minutes * 60, roundSeconds: 10, stallMs, peers, seed },
    report: say,
  });
  const { rounds, deeds, sessions, compared, longestTurnMs, first, last } = await soak.run();
  await margay.stop();
  const complaint = isRecorded ? await margay.replayComplaint() : undefined;
  if (complaint !== undefined) throw new Error(`the recording replays otherwise: ${complaint}`);
  const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);
  say([...deeds].map(([deed, count]) => `${String(count).padStart(8)} × ${deed}`).join("\n"));
  process.stdout.write(
    `${rounds} rounds, ${sessions} sessions, ${compared} paths told as they should be; memory ${megabytes(first.residentOctets)} then ${megabytes(last.residentOctets)} MB, ` +
      `descriptors ${first.descriptors} then ${last.descriptors}, longest turn ${longestTurnMs.toFixed(1)} ms${isRecorded ? ", replayed alike" : ""}\n`,
  );
} catch (error) {
  say(margay.log().slice(-3000));
  throw error;
} finally {
  await margay.stop();
  rmSync(directory, { recursive: true });
}
