import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;

const LOCAL = "unreachable 10.233.1.0/24 proto margay metric 4278198272";
const SECOND = "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay";
const THIRD = "10.233.3.0/24 via 192.168.1.4 dev eth0 proto margay";

describe("adoption, sweep and clean-up", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;

  beforeEach(async () => {
    segment = await Segment.build("adoption");
    const first = await segment.felix();
    await first.setRoute("10.233.2.0/24", "192.168.1.3");
    await first.setRoute("10.233.3.0/24", "192.168.1.4");
    await first.kill();
  });

  afterEach(() => segment?.close());
  after(() => segment?.close());

  test("kill -9 leaves every route", async () => {
    assert.deepEqual(await segment.ownRoutes(), [LOCAL, SECOND, THIRD]);
  });

  test("the next life adopts them, writes nothing, and sweeps what nobody wants by then", async () => {
    const monitor = await segment.monitor();
    const felix = await segment.felix();
    assert.equal((await felix.status()).adopted, 3);
    assert.deepEqual(await segment.ownRoutes(), [LOCAL, SECOND, THIRD]);
    assert.equal((await felix.route("10.233.2.0/24"))?.["state"], "stale");

    await felix.setRoute("10.233.2.0/24", "192.168.1.3");
    assert.equal((await felix.route("10.233.2.0/24"))?.["state"], "adopted");
    assert.equal((await felix.route("10.233.3.0/24"))?.["state"], "stale");
    assert.deepEqual(await segment.ownRoutes(), [LOCAL, SECOND, THIRD]);

    await felix.call("pictureComplete");
    await felix.call("settled");
    assert.deepEqual(await segment.ownRoutes(), [LOCAL, SECOND]);
    assert.deepEqual(await monitor.end(), [
      "Deleted 10.233.3.0/24 via 192.168.1.4 dev eth0 proto margay",
    ]);
  });

  test("a withdrawal before the picture is complete waits for it", async () => {
    const felix = await segment.felix();
    await felix.setRoute("10.233.2.0/24", "192.168.1.3");
    await felix.call("removeRoute", "10.233.2.0/24");
    await felix.call("settled");
    assert.deepEqual(await segment.routes("10.233.2.0/24"), [SECOND]);
  });

  test("an adopted route with another next hop is replaced, not deleted and added", async () => {
    const felix = await segment.felix();
    const monitor = await segment.monitor();
    await felix.setRoute("10.233.3.0/24", "192.168.1.3");
    assert.deepEqual(await monitor.end(), ["10.233.3.0/24 via 192.168.1.3 dev eth0 proto margay"]);
  });

  test("stop leaves the routes, stop with cleanup takes them", async () => {
    const felix = await segment.felix();
    await felix.stop(false);
    assert.deepEqual(await segment.ownRoutes(), [LOCAL, SECOND, THIRD]);
    const last = await segment.felix();
    await last.stop(true);
    assert.deepEqual(await segment.ownRoutes(), []);
  });

  test("cleanup takes all of ours in every table and nothing else; a dry run only says so", async () => {
    await segment.ip("route add 10.9.0.0/24 via 192.168.1.3 proto static");
    await segment.ip("route add 10.233.2.0/24 via 192.168.1.4 metric 10 proto bird");
    await segment.ip("route add 10.7.0.0/24 via 192.168.1.4 table 300 proto 77");
    const before = await segment.routes("table all");
    const dry = await cleanup(segment, true);
    assert.deepEqual(await segment.routes("table all"), before);
    assert.deepEqual(
      dry
        .split("\n")
        .filter((line) => line !== "")
        .sort(),
      [
        "left net.ipv4.ip_forward=1: others may rely on it",
        `would remove ${SECOND}`,
        `would remove ${THIRD}`,
        "would remove 10.7.0.0/24 via 192.168.1.4 dev eth0 proto margay table 300",
        `would remove ${LOCAL}`,
      ],
    );
    await cleanup(segment, false);
    assert.deepEqual(
      await segment.routes("table all"),
      before.filter((line) => !line.includes("margay")),
    );
  });
});

function cleanup(segment: Segment, dryRun: boolean): Promise<string> {
  const program = fileURLToPath(new URL("./cleanup-runner.ts", import.meta.url));
  return segment.network.exec(segment.node, process.execPath, program, String(dryRun));
}
