import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const RUNNER = fileURLToPath(new URL("./life-runner.ts", import.meta.url));
const ROUTES = 100_000;
/** Of processor time, a turn; on a quiet machine the longest takes ten. What is done in one go takes a hundred. */
const LIMIT_MS = 40 * slowness;
/** A collection of garbage, or a neighbour on the machine, may make one turn long, but not the same in every life. */
const LIVES = 3;

describe("a hundred thousand routes", { skip, timeout: 600_000 * slowness }, () => {
  let segment: Segment;

  beforeEach(async () => {
    segment = await Segment.build("life");
  });

  afterEach(() => segment?.close());

  for (const [nextHopObjects, how] of [
    ["never", "never hold up the event loop"],
    ["auto", "nor do they with next-hop objects"],
  ] as const) {
    test(how, async () => {
      const argv = ["netns", "exec", segment.node, process.execPath, RUNNER, String(ROUTES)];
      const best = new Map<string, number>();
      const tooLong = (): string[] =>
        [...best].filter(([, ms]) => ms > LIMIT_MS).map(([part, ms]) => `${part}: ${ms} ms`);
      for (let life = 0; life < LIVES; life++) {
        const run = promisify(execFile);
        const words = ["192.168.1.3", "192.168.1.4", nextHopObjects];
        const { stdout } = await run("ip", [...argv, ...words]);
        for (const [part, ms] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
          best.set(part, Math.min(ms, best.get(part) ?? ms));
        }
        if (tooLong().length === 0) break;
      }
      assert.equal(best.size, 6);
      assert.deepEqual(tooLong(), []);
    });
  }
});
