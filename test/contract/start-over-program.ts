/** Does what bin/margay.js does at its start, and tells what has become of the process, and what its children are. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { startOver } from "../../src/platform/start-over.ts";

startOver(process.argv);
const child = execFileSync("cat", ["/proc/self/status"], { encoding: "utf8" });
const { pid, execArgv, env } = process;
const status = readFileSync("/proc/self/status", "utf8");
const isMarked = env["MARGAY_HAS_STARTED_OVER"] !== undefined;
process.stdout.write(JSON.stringify({ pid, execArgv, isMarked, status, child }));
