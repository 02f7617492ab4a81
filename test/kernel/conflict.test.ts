import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess, Plain } from "./support/felix-process.ts";
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

  test("one behind ours is none: ours goes on following its next hop", async () => {
    const text = "10.233.8.0/24";
    await felix.setRoute(text, "192.168.1.3");
    const looked = felix.nextEvent(({ kind }) => kind === "resync");
    await segment.ip(`route append ${text} via 192.168.1.4 proto static`);
    await looked;
    await felix.setRoute(text, "192.168.1.4");
    assert.deepEqual(await segment.routes(text), [
      `${text} via 192.168.1.4 dev eth0 proto margay`,
      `${text} via 192.168.1.4 dev eth0 proto static`,
    ]);
    assert.equal((await felix.route(text))?.["state"], "installed");
  });

  test("one before ours is left, and when it goes ours is where it shall be by now", async () => {
    const text = "10.233.9.0/24";
    await felix.setRoute(text, "192.168.1.3");
    const conflict = felix.nextEvent(({ kind }) => kind === "conflict");
    await segment.ip(`route prepend ${text} via 192.168.1.4 proto static`);
    await conflict;
    await felix.setRoute(text, "192.168.1.4");
    assert.deepEqual(await segment.routes(text), [
      `${text} via 192.168.1.4 dev eth0 proto static`,
      `${text} via 192.168.1.3 dev eth0 proto margay`,
    ]);
    const installed = felix.nextEvent(({ kind }) => kind === "installed");
    await segment.ip(`route del ${text} proto static`);
    await installed;
    assert.deepEqual(await segment.routes(text), [`${text} via 192.168.1.4 dev eth0 proto margay`]);
  });

  test("withdrawing what is in conflict leaves the other's route", async () => {
    await felix.call("pictureComplete");
    await felix.call("removeRoute", "10.233.4.0/24");
    await felix.call("settled");
    assert.deepEqual(await segment.routes("10.233.4.0/24"), [
      "10.233.4.0/24 via 192.168.1.4 dev eth0 proto static",
    ]);
  });

  test("has ours beside it, at another metric, where the policy says so, and never leaves the prefix without a route", async () => {
    const text = "10.233.7.0/24";
    const theirs = `${text} via 192.168.1.4 dev eth0 proto static`;
    const ours = `${text} via 192.168.1.3 dev eth0 proto margay`;
    await felix.stop();
    await segment.ip(`route add ${text} via 192.168.1.4 proto static`);
    const third = await segment.felix({ conflicts: "own-metric" });
    await third.call("pictureComplete");
    await third.setRoute(text, "192.168.1.3");
    assert.deepEqual(await segment.routes(text), [theirs, `${ours} metric 2048`]);
    const entries = await third.call<Plain[]>("routes");
    const problems = entries
      .filter(({ state }) => state === "conflict")
      .map((one) => one["problem"]);
    assert.equal(problems.length, 1);
    assert.match(String(problems[0]), /; ours is beside it, metric 2048$/);

    // What the other leaves is ours at once, then at its own place.
    const installed = third.nextEvent(
      ({ kind, prefix }) => kind === "installed" && prefix === text,
    );
    await segment.ip(`route del ${text} via 192.168.1.4`);
    assert.match((await segment.routes(text))[0] ?? "", /via 192\.168\.1\.3/);
    await installed;
    await third.call("settled");
    assert.deepEqual(await segment.routes(text), [ours]);

    const conflict = third.nextEvent(({ kind }) => kind === "conflict");
    await segment.ip(`route replace ${text} via 192.168.1.4 proto static`);
    await conflict;
    await third.call("settled");
    assert.deepEqual(await segment.routes(text), [theirs, `${ours} metric 2048`]);

    await third.call("removeRoute", text);
    await third.call("settled");
    assert.deepEqual(await segment.routes(text), [theirs]);
    await third.stop();
  });

  test("one before ours gives way where the policy takes", async () => {
    const text = "10.233.10.0/24";
    const fourth = await segment.felix({ conflicts: "take" });
    await fourth.setRoute(text, "192.168.1.3");
    const installed = fourth.nextEvent(
      ({ kind, prefix }) => kind === "installed" && prefix === text,
    );
    await segment.ip(`route prepend ${text} via 192.168.1.4 proto static`);
    await installed;
    assert.deepEqual(await segment.routes(text), [`${text} via 192.168.1.3 dev eth0 proto margay`]);
    await fourth.stop();
  });
});
