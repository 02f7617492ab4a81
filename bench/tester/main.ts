/**
 * One run of the tester: plays the peers of a daemon that listens already, and prints what it saw as JSON. The peers' own
 * addresses, 10.1.0.0/16, must be local here; bench/run.ts makes a network namespace in which they are.
 *
 *   node bench/tester/main.ts PLAN        (JSON: see bench/tester/plan.ts)
 */
import type { Plan } from "./plan.ts";
import { Tester } from "./tester.ts";

const plan = JSON.parse(process.argv[2] ?? "null") as Plan; // of our own making
const report = await new Tester(plan).run();
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
