import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { FelixExplanation } from "../../src/felix/explain.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { Lookups } from "./support/lookups.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const CLEANUP = fileURLToPath(new URL("./cleanup-runner.ts", import.meta.url));

const TAKEN = "10.233.2.0/24";
const LATER = "10.233.3.0/24";
const CONNECTED = "10.233.4.0/24";
const TAKEN_6 = "fd00:233:2::/64";

describe("the place of a route of another protocol, where the policy takes", {
  skip,
  timeout: 60_000 * slowness,
}, () => {
  let segment: Segment;
  let felix: FelixProcess;

  before(async () => {
    segment = await Segment.build("take");
    await segment.ip("addr add fd00:1::2/64 dev eth0 nodad");
    await segment.network.ip(segment.neighbour, "addr add fd00:1::3/64 dev eth0 nodad");
    for (const route of [
      `${TAKEN} via 192.168.1.4 proto static`,
      `${TAKEN} via 192.168.1.4 proto static metric 50`,
      `${TAKEN_6} via fd00:1::4 proto bird`,
    ]) {
      await segment.ip(`route add ${route}`);
    }
    // The kernel's own route to a subnet.
    await segment.ip("addr add 10.233.4.1/24 dev eth0");
    felix = await segment.felix({
      conflicts: "take",
      podPools: ["10.233.0.0/16", "fd00:233::/32"],
    });
    await felix.call("pictureComplete");
  });

  after(() => segment?.close());

  /** Felix's explanation, prefixes as text. */
  const explain = (address: string): Promise<FelixExplanation> => felix.call("explain", address);
  const routes6 = async (prefix: string): Promise<string> =>
    (await segment.ip(`-6 route show ${prefix}`)).trim();

  test("is left as long as nothing is wanted there", async () => {
    assert.match((await segment.routes(TAKEN))[0] ?? "", / proto static$/);
    const { kernel, entry } = await explain("10.233.2.7");
    assert.equal(entry, undefined);
    assert.equal(kernel.found && kernel.protocolName, "static");
  });

  test("is taken in one step, while no look-up fails, and whose it was is told", async () => {
    const lookups = await Lookups.start(segment.node, "10.233.2.7");
    const conflict = felix.nextEvent(({ kind }) => kind === "conflict");
    await felix.setRoute(TAKEN, "192.168.1.3");
    assert.deepEqual(await segment.routes(TAKEN), [
      `${TAKEN} via 192.168.1.3 dev eth0 proto margay`,
      `${TAKEN} via 192.168.1.4 dev eth0 proto static metric 50`,
    ]);
    assert.deepEqual((await lookups.end()).failures, []);
    const { prefix, text } = await conflict;
    assert.deepEqual([prefix, text], [TAKEN, "via 192.168.1.4 dev eth0 proto static"]);
    assert.match(
      felix.log,
      /^warn taking the place of a route of another protocol \{"prefix":"10\.233\.2\.0\/24","there":"via 192\.168\.1\.4 dev eth0 proto static"\}$/m,
    );
  });

  test("is ours then, by what felix says of the route, of an address in it and of itself", async () => {
    const route = await felix.route(TAKEN);
    assert.deepEqual([route?.["state"], route?.["problem"]], ["installed", undefined]);
    const { lines } = await explain("10.233.2.7");
    assert.equal(lines[0], `${TAKEN} is wanted via 192.168.1.3 dev eth0: installed`);
    assert.equal(lines.at(-1), `the kernel uses ${TAKEN} via 192.168.1.3 dev eth0 proto margay`);
    const { counts } = await felix.status();
    assert.deepEqual([counts.conflict, counts.error], [0, 0]);
  });

  test("is taken back from whoever claims it", async () => {
    await felix.setRoute(LATER, "192.168.1.3");
    // In its place, which is damage to it, or before it.
    for (const [claim, told] of [
      ["replace", "repaired"],
      ["prepend", "installed"],
    ] as const) {
      const back = felix.nextEvent(({ kind, prefix }) => kind === told && prefix === LATER);
      await segment.ip(`route ${claim} ${LATER} via 192.168.1.4 proto static`);
      await back;
      await felix.call("settled");
      assert.deepEqual(await segment.routes(LATER), [
        `${LATER} via 192.168.1.3 dev eth0 proto margay`,
      ]);
    }
    assert.equal((await felix.status()).repairs, 1);
  });

  test("is taken of IPv6, too", async () => {
    await felix.setRoute(TAKEN_6, "fd00:1::3");
    assert.equal(
      await routes6(TAKEN_6),
      `${TAKEN_6} via fd00:1::3 dev eth0 proto margay metric 1024 pref medium`,
    );
    assert.equal((await felix.route(TAKEN_6))?.["state"], "installed");
  });

  test("is never taken from the kernel itself", async () => {
    await felix.setRoute(CONNECTED, "192.168.1.3");
    const theirs = `${CONNECTED} dev eth0 proto kernel scope link src 10.233.4.1`;
    assert.deepEqual(await segment.routes(CONNECTED), [theirs]);
    const route = await felix.route(CONNECTED);
    assert.equal(route?.["state"], "conflict");
    assert.match(String(route?.["problem"]), /^a route of protocol kernel is there: dev eth0/);
    assert.match(
      felix.log,
      /^warn conflict: a route of another protocol is there \{"prefix":"10\.233\.4\.0\/24"/m,
    );
    assert.equal((await felix.status()).counts.conflict, 1);
    const { lines } = await explain("10.233.4.7");
    assert.equal(lines[0], `${CONNECTED} is wanted via 192.168.1.3 dev eth0: conflict`);
  });

  test("clean-up takes ours away, brings nothing back that was taken, and leaves what is others'", async () => {
    await felix.stop();
    const cleanUp = (dryRun: boolean): Promise<string> =>
      segment.network.exec(segment.node, process.execPath, CLEANUP, String(dryRun));
    const ours = `${TAKEN} via 192.168.1.3 dev eth0 proto margay`;
    assert.ok((await cleanUp(true)).includes(`would remove ${ours}`));
    assert.equal((await segment.routes(TAKEN))[0], ours);
    assert.ok((await cleanUp(false)).includes(`removed ${ours}`));
    assert.deepEqual(await segment.ownRoutes(), []);
    assert.deepEqual(await segment.routes(TAKEN), [
      `${TAKEN} via 192.168.1.4 dev eth0 proto static metric 50`,
    ]);
    assert.deepEqual(await segment.routes(LATER), []);
    assert.equal(await routes6(TAKEN_6), "");
    assert.match((await segment.routes(CONNECTED))[0] ?? "", / proto kernel /);
  });
});
