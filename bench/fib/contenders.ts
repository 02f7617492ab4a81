import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Bird } from "./bird.ts";
import { writeInBatches } from "./ip-batch.ts";
import type { Outcome } from "./outcome.ts";
import { GATEWAY_A, GATEWAY_B, type Place } from "./place.ts";
import { shipped } from "./shipped.ts";

const run = promisify(execFile);

/** Who can write routes. */
export interface Contender {
  readonly name: string;
  /** The commands that it needs. */
  readonly needs: readonly string[];
  measure(place: Place): Promise<Outcome>;
}

function felix(name: string, choice: "never" | "auto"): Contender {
  return {
    name,
    needs: [],
    async measure({ namespace, count, scratch }) {
      const program = shipped("felix.ts", scratch);
      const words = [String(count), GATEWAY_A, GATEWAY_B, choice];
      // As bin/margay.js runs a node.
      const node = [process.execPath, "--max-semi-space-size=4", "--v8-pool-size=1"];
      const argv = ["netns", "exec", namespace, ...node, program, ...words];
      const env = { ...process.env, MALLOC_ARENA_MAX: "1" };
      return JSON.parse((await run("ip", argv, { env })).stdout) as Outcome;
    },
  };
}

async function floor(place: Place): Promise<Outcome> {
  const { namespace, count, scratch, ifindex, otherIfindex } = place;
  const binary = join(scratch, "floor");
  await run("cc", ["-O2", "-o", binary, join(import.meta.dirname, "floor.c")]);
  const words = [binary, ifindex, otherIfindex, count, GATEWAY_A, GATEWAY_B].map(String);
  const { stdout } = await run("ip", ["netns", "exec", namespace, ...words]);
  const figures = stdout.trim().split(" ").map(Number);
  const [add = 0, replace = 0, move = 0, resync = 0, remove = 0, rssKib = 0] = figures;
  return { phases: { add, replace, move, resync, delete: remove }, rssMib: rssKib / 1024 };
}

const all: readonly Contender[] = [
  { name: "C floor", needs: ["cc"], measure: floor },
  felix("margay", "never"),
  felix("margay, next-hop objects", "auto"),
  { name: "BIRD 2", needs: ["bird", "birdc"], measure: (place) => new Bird(place).measure() },
  { name: "ip -batch", needs: ["ip"], measure: writeInBatches },
];

/** Those whose commands are installed. */
export function contenders(): readonly Contender[] {
  const has = (command: string): boolean =>
    spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
  return all.filter(({ needs }) => needs.every(has));
}
