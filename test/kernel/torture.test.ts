import assert from "node:assert/strict";
import { test } from "node:test";
import { PseudoRandom } from "../fuzz/pseudo-random.ts";
import { tunnelKinds } from "./support/ipip.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { somethingHappens, tunnelsChange } from "./support/torture-events.ts";
import { type Life, TortureWorld } from "./support/torture-world.ts";

const skip = whyNoNamespaces() ?? false;
const seconds = Number(process.env["MARGAY_TORTURE_SECONDS"] ?? 20);
const firstSeed = Number(process.env["MARGAY_TORTURE_SEED"] ?? 1);

/**
 * In a chapter, which begins with another kind of tunnel, things happen; at its end all trouble is over, and the kernel
 * must have what is wanted. Where all is slow they are short, so that there are some.
 */
const EVENTS_A_CHAPTER = slowness > 1 ? 8 : 60;

const lives: readonly Pick<Life, "encapsulations" | "nextHopObjects">[] = [
  { encapsulations: ["cross-subnet", "always"], nextHopObjects: "never" },
  { encapsulations: ["cross-subnet", "always", "never"], nextHopObjects: "auto" },
];

for (const [index, life] of lives.entries()) {
  const seed = firstSeed + index;
  const name = `seed ${seed}, ${life.encapsulations.join(" ")}, next-hop objects ${life.nextHopObjects}`;
  const lastsMs = (seconds / lives.length) * 1000;
  test(`a life of ${lastsMs / 1000} s: ${name}`, {
    skip,
    timeout: 2 * lastsMs + 600_000 * slowness,
  }, async (t) => {
    const world = new TortureWorld({
      name: `torture${seed}`,
      random: new PseudoRandom(seed),
      tunnels: tunnelKinds(),
      ...life,
    });
    try {
      await world.build();
      const endMs = performance.now() + lastsMs;
      const isOver = (): boolean => performance.now() >= endMs;
      let events = 0;
      while (!isOver()) {
        await tunnelsChange(world);
        do await somethingHappens(world);
        while (++events % EVENTS_A_CHAPTER > 0 && !isOver());
        await world.converged();
      }
      const lookups = await world.noLookupFailed();
      assert.ok(lookups > events, `only ${lookups} look-ups`);
      t.diagnostic(`${events} events, ${lookups} look-ups`);
    } catch (error) {
      t.diagnostic(world.lastWords());
      throw error;
    } finally {
      await world.close();
    }
  });
}
