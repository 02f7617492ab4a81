/**
 * Writing routes into the kernel: margay's programmer against plain C, BIRD and `ip -batch`, in the same run, each in a
 * network namespace of its own; and whole daemons, from an UPDATE to its route. Needs root; C needs cc, BIRD needs bird.
 *
 *   node bench/fib.ts [ROUNDS=4] [COUNT …=10000 100000]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contenders } from "./fib/contenders.ts";
import { type Latency, latencyContenders, measureLatency } from "./fib/latency.ts";
import { type Outcome, type Phase, phases } from "./fib/outcome.ts";
import { inPlace } from "./fib/place.ts";
import { figures } from "./cells.ts";

const NAME_COLUMNS = 26;
const COLUMNS = 16;

const [roundsText = "4", ...countTexts] = process.argv.slice(2);
const rounds = Number(roundsText);
const counts = countTexts.length === 0 ? [10_000, 100_000] : countTexts.map(Number);
/** Beside which single prefixes are announced. */
const present = Math.max(...counts);
/** Of single prefixes, for each daemon. */
const changes = 500 * rounds;
const scratch = mkdtempSync(join(tmpdir(), "margay-bench-fib-"));

/** One round of each after the other, so that a busy moment of the machine meets all alike. */
async function measureAll(count: number): Promise<Map<string, Outcome[]>> {
  const results = new Map<string, Outcome[]>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, measure } of contenders()) {
      const outcome = await inPlace(count, scratch, measure);
      results.set(name, [...(results.get(name) ?? []), outcome]);
    }
  }
  return results;
}

/** The best of a phase, in seconds: what else the machine does only adds to it. */
function secondsOf(outcomes: readonly Outcome[], phase: Phase): number | undefined {
  const samples = outcomes.flatMap(({ phases: done }) => done[phase] ?? []);
  return samples.length === 0 ? undefined : Math.min(...samples);
}

function cell(count: number, seconds: number | undefined, base: number | undefined): string {
  if (seconds === undefined) return "–".padStart(COLUMNS);
  const rate = count / seconds / 1000;
  const share = base === undefined ? "" : ` ${figures(base / seconds)} ×`;
  return `${rate > 100_000 ? `${figures(seconds * 1e6)} µs` : `${Math.round(rate)}k/s`}${share}`.padStart(
    COLUMNS,
  );
}

function printTable(count: number, results: ReadonlyMap<string, readonly Outcome[]>): void {
  const base = results.get("C floor");
  console.log(
    `${count} routes, best of ${rounds}: routes a second, and as a multiple of the C floor's speed`,
  );
  console.log(
    "".padEnd(NAME_COLUMNS) +
      phases.map((phase) => phase.padStart(COLUMNS)).join("") +
      "   peak RSS   loop stood still",
  );
  for (const [name, outcomes] of results) {
    const cells = phases.map((phase) => {
      return cell(count, secondsOf(outcomes, phase), base && secondsOf(base, phase));
    });
    const rss = `${Math.round(Math.max(...outcomes.map(({ rssMib }) => rssMib)))} MiB`.padStart(11);
    const blocked = outcomes.flatMap(({ blockedMs }) => blockedMs ?? []);
    const stood = blocked.length === 0 ? "" : `${Math.max(...blocked).toFixed(1)} ms at most`;
    console.log(`${name.padEnd(NAME_COLUMNS)}${cells.join("")}${rss}   ${stood}`.trimEnd());
  }
  console.log("");
}

function printLatencies(latencies: readonly Latency[]): void {
  console.log(
    `One prefix beside ${present}, from an UPDATE's being sent to its route's being in the kernel, ${changes} times`,
  );
  for (const { name, p50Ms, p99Ms } of latencies) {
    const values = `p50 ${p50Ms.toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms`;
    console.log(`${name.padEnd(NAME_COLUMNS)}${values}`);
  }
}

try {
  for (const count of counts) printTable(count, await measureAll(count));
  const latencies: Latency[] = [];
  for (const daemon of latencyContenders) {
    latencies.push(
      await inPlace(present, scratch, (place) => measureLatency(daemon, place, changes)),
    );
  }
  printLatencies(latencies);
} finally {
  rmSync(scratch, { recursive: true });
}
