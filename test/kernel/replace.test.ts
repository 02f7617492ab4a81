import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Lookups } from "./support/lookups.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const ROUNDS = 20_000;

describe("no look-up fails while routes are replaced", {
  skip,
  timeout: 180_000 * slowness,
}, () => {
  let segment: Segment;

  beforeEach(async () => {
    segment = await Segment.build("replace");
  });

  afterEach(() => segment?.close());

  for (const nextHopObjects of ["never", "auto"] as const) {
    test(`the only route of its next hop, over and over, next-hop objects: ${nextHopObjects}`, async () => {
      const felix = await segment.felix({ nextHopObjects });
      await felix.setRoute("10.233.2.0/24", "192.168.1.3");
      const lookups = await Lookups.start(segment.node, "10.233.2.7");
      await felix.call("alternate", ROUNDS, "10.233.2.0/24", "192.168.1.4", "192.168.1.3");
      const { lookups: count, failures } = await lookups.end();
      assert.deepEqual(failures, []);
      assert.ok(count > 1000, `only ${count} look-ups`);
      await felix.call("pictureComplete");
      await felix.call("settled");
      assert.deepEqual(
        (await segment.routes("table all proto 77")).filter((line) => line.startsWith("0.")),
        [],
      );
    });

    test(`one next hop by two and back, next-hop objects: ${nextHopObjects}`, async () => {
      const felix = await segment.felix({ nextHopObjects });
      await felix.setRoute("10.233.2.0/24", "192.168.1.3");
      const lookups = await Lookups.start(segment.node, "10.233.2.7");
      const both = "192.168.1.3 192.168.1.4";
      await felix.call("alternate", ROUNDS, "10.233.2.0/24", both, "192.168.1.3");
      assert.deepEqual((await lookups.end()).failures, []);
    });
  }
});
