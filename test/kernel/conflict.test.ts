import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;

describe("conflict with a route of another protocol", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;

  before(async () => {
    segment = await Segment.build("conflict");
    felix = await segment.felix();
  });

  after(() => segment?.close());

  for (const protocol of ["static", "boot"]) {
    test(`one of ${protocol} that was first is left, reported, and succeeded when it goes`, async () => {
      const prefix = protocol === "static" ? "10.233.2.0/24" : "10.233.3.0/24";
      await segment.ip(`route add ${prefix} via 192.168.1.4 proto ${protocol}`);
      const conflict = felix.nextEvent(({ kind }) => kind === "conflict");
      await felix.call("setRoute", prefix, "192.168.1.3");
      await conflict;
      const theirs = `${prefix} via 192.168.1.4 dev eth0${protocol === "boot" ? "" : " proto static"}`;
      assert.deepEqual(await segment.routes(prefix), [theirs]);
      const entry = await felix.route(prefix);
      assert.equal(entry?.["state"], "conflict");
      assert.equal(
        entry?.["problem"],
        `a route of protocol ${protocol} is there: via 192.168.1.4 dev eth0`,
      );
      assert.equal((await felix.status()).counts.conflict, 1);

      const installed = felix.nextEvent(({ kind }) => kind === "installed");
      await segment.ip(`route del ${prefix}`);
      await installed;
      assert.deepEqual(await segment.routes(prefix), [
        `${prefix} via 192.168.1.3 dev eth0 proto margay`,
      ]);
      assert.equal((await felix.status()).counts.conflict, 0);
    });
  }

  test("one that claims the place of ours is left too", async () => {
    await felix.setRoute("10.233.4.0/24", "192.168.1.3");
    const conflict = felix.nextEvent(({ kind }) => kind === "conflict");
    await segment.ip("route replace 10.233.4.0/24 via 192.168.1.4 proto static");
    await conflict;
    await felix.call("settled");
    assert.deepEqual(await segment.routes("10.233.4.0/24"), [
      "10.233.4.0/24 via 192.168.1.4 dev eth0 proto static",
    ]);
  });

  test("one that was there before us is seen at start", async () => {
    await segment.ip("route add 10.233.5.0/24 via 192.168.1.4 proto bird");
    const second = await segment.felix();
    await second.setRoute("10.233.5.0/24", "192.168.1.3");
    await second.call("settled");
    assert.equal((await second.route("10.233.5.0/24"))?.["state"], "conflict");
    assert.deepEqual(await segment.routes("10.233.5.0/24"), [
      "10.233.5.0/24 via 192.168.1.4 dev eth0 proto bird",
    ]);
    await second.stop();
  });

  test("the same prefix at another metric is no conflict", async () => {
    await segment.ip("route add 10.233.6.0/24 via 192.168.1.4 proto static metric 50");
    await felix.setRoute("10.233.6.0/24", "192.168.1.3");
    assert.deepEqual(await segment.routes("10.233.6.0/24"), [
      "10.233.6.0/24 via 192.168.1.3 dev eth0 proto margay",
      "10.233.6.0/24 via 192.168.1.4 dev eth0 proto static metric 50",
    ]);
  });

  test("withdrawing what is in conflict leaves the other's route", async () => {
    await felix.call("pictureComplete");
    await felix.call("removeRoute", "10.233.4.0/24");
    await felix.call("settled");
    assert.deepEqual(await segment.routes("10.233.4.0/24"), [
      "10.233.4.0/24 via 192.168.1.4 dev eth0 proto static",
    ]);
  });
});
