import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const WITHIN_MS = 200 * slowness;
const PREFIX = "10.233.2.0/24";
const LINE = "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay";

describe("repair", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;

  before(async () => {
    segment = await Segment.build("repair");
    felix = await segment.felix();
  });

  beforeEach(async () => {
    await felix.setRoute(PREFIX, "192.168.1.3");
    assert.deepEqual(await segment.routes(PREFIX), [LINE]);
  });

  after(() => segment?.close());

  /** Does something to the node's routes; resolves to the milliseconds from its end until a repair was told. */
  async function repairAfter(words: string): Promise<number> {
    let repairedMs = Number.NaN;
    const repaired = felix
      .nextEvent(({ kind, prefix }) => kind === "repaired" && prefix === PREFIX)
      .then(() => {
        repairedMs = performance.now();
      });
    await segment.ip(words);
    const doneMs = performance.now();
    await repaired;
    return repairedMs - doneMs;
  }

  const damages = [
    "route del 10.233.2.0/24",
    "route replace 10.233.2.0/24 via 192.168.1.4 proto 77",
    "route replace 10.233.2.0/24 via 192.168.1.4",
    "route change 10.233.2.0/24 via 192.168.1.4 dev eth0",
    "route replace 10.233.2.0/24 via 192.168.1.3 dev eth0 mtu 1200 proto 77",
    "route replace blackhole 10.233.2.0/24 proto 77",
  ];
  for (const damage of damages) {
    test(`within 200 ms after ip ${damage}`, async () => {
      const tookMs = await repairAfter(damage);
      assert.ok(tookMs < WITHIN_MS, `took ${tookMs} ms`);
      assert.deepEqual(await segment.routes(PREFIX), [LINE]);
    });
  }

  test("and says who did it", async () => {
    await repairAfter("route replace 10.233.2.0/24 via 192.168.1.4 proto 77");
    assert.match(felix.log, /someone deleted or changed: protocol margay, port ID \d+/);
  });

  test("of the unreachable route for the own pod CIDR", async () => {
    const repaired = felix.nextEvent(({ kind }) => kind === "repaired");
    await segment.ip("route del unreachable 10.233.1.0/24");
    await repaired;
    assert.deepEqual(await segment.routes("10.233.1.0/24"), [
      "unreachable 10.233.1.0/24 proto margay metric 4278198272",
    ]);
  });

  test("of many at once, each counted", async () => {
    const repairsBefore = (await felix.status()).repairs;
    const prefixes = Array.from({ length: 200 }, (_, index) => `10.233.${index + 20}.0/24`);
    for (const prefix of prefixes) await felix.call("setRoute", prefix, "192.168.1.3");
    await felix.call("settled");
    const last = felix.nextEvent(({ kind, prefix }) => kind === "repaired" && prefix === PREFIX);
    await segment.ip("route flush proto 77 10.233.0.0/16");
    await segment.ip("route flush proto 77 root 10.233.0.0/16");
    await last;
    await felix.call("settled");
    assert.equal((await segment.routes("root 10.233.0.0/16")).length, prefixes.length + 2);
    assert.ok((await felix.status()).repairs - repairsBefore >= prefixes.length);
  });

  test("after the link went down and up, though the kernel says nothing of its routes", async () => {
    const installed = felix.nextEvent(
      ({ kind, prefix }) => prefix === PREFIX && (kind === "repaired" || kind === "installed"),
    );
    await segment.ip("link set eth0 down");
    await segment.ip("link set eth0 up");
    await installed;
    await felix.call("settled");
    assert.deepEqual(await segment.routes(PREFIX), [LINE]);
  });

  test("what is wanted stays wanted while the link is down, and says why it waits", async () => {
    const resync = felix.nextEvent(({ kind }) => kind === "resync");
    await segment.ip("link set eth0 down");
    await resync;
    await felix.call("settled");
    const entry = await felix.route(PREFIX);
    assert.equal(entry?.["state"], "pending");
    assert.match(String(entry?.["problem"]), /no route to 192\.168\.1\.3/);
    const back = felix.nextEvent(({ prefix }) => prefix === PREFIX);
    await segment.ip("link set eth0 up");
    await back;
    assert.deepEqual(await segment.routes(PREFIX), [LINE]);
  });
});
