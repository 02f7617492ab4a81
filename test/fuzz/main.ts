// npm run test:fuzz -- [COUNT] [SEED]: a million inputs unless told; a finding names its seed and its message.
import { fuzz } from "./fuzz.ts";

const [countText = "1000000", seedText = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const count = Number(countText);
const seed = Number(seedText);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  throw new Error("usage: npm run test:fuzz -- [COUNT] [SEED]");
}

/** What garbage that is not collected yet may amount to. */
const heapSlackOctets = 64 * 1024 * 1024;

const start = performance.now();
const { heapOctets, slowestMs } = fuzz(count, seed, (inputs) => {
  process.stderr.write(`${inputs} inputs of seed ${seed}\n`);
});
const seconds = (performance.now() - start) / 1000;
const [first = 0] = heapOctets;
const last = heapOctets.at(-1) ?? 0;
const megabytes = (octets: number): string => (octets / 1024 / 1024).toFixed(1);
process.stdout.write(
  `${count} inputs of seed ${seed} in ${seconds.toFixed(0)} s, the slowest ${slowestMs.toFixed(1)} ms, heap ${megabytes(first)} MiB then ${megabytes(last)} MiB\n`,
);
if (last > first + heapSlackOctets) throw new Error("the heap has grown");
