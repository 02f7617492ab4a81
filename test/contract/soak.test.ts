/** The soak of test/soak, for some seconds: enough to show that it runs, and what a change breaks at once. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Deeds } from "../soak/deeds.ts";
import { MargayUnderTest } from "../soak/margay-under-test.ts";
import { Soak } from "../soak/soak.ts";

test("clients that flap, churn, refresh and send garbage leave a reflector as it should be", {
  timeout: 300_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "margay-soak-"));
  const margay = new MargayUnderTest(directory, 17_930);
  try {
    await margay.start(true);
    const deeds = new Deeds();
    const { rounds, compared, first, last } = await new Soak(margay, {
      ...{ seconds: 8, roundSeconds: 4, peers: 12, seed: 1, deeds },
      // Other tests run beside this one: how long a turn takes here says little.
      stallMs: 5000,
      report: () => {},
    }).run();
    assert.ok(rounds >= 2 && compared > 1000, `${rounds} rounds, ${compared} paths`);
    assert.ok(deeds.counts.size >= 8, [...deeds.counts.keys()].join());
    assert.ok(last.descriptors <= first.descriptors + 16);
    await margay.stop();
    assert.equal(await margay.replayComplaint(), undefined);
  } finally {
    await margay.stop();
    rmSync(directory, { recursive: true });
  }
});
