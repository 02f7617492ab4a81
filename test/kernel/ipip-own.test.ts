import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { skipWithoutIpip } from "./support/ipip.ts";
import { Lookups } from "./support/lookups.ts";
import { slowness } from "./support/network.ts";
import { TwoSegments } from "./support/two-segments.ts";

const OWN = { ipipDevice: "margay", ttl: 64 };

describe("an IPIP device of our own", {
  skip: skipWithoutIpip(),
  timeout: 120_000 * slowness,
}, () => {
  const lab = new TwoSegments("own");
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.felix(lab.near, { tunnelSettings: OWN, tunnelLingerMs: 100 });
    // The other end need not have one.
    const far = await lab.felix(lab.far);
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    await near.call("pictureComplete");
    await far.setRoute("10.233.1.0/24", "192.168.1.2");
  });

  after(() => lab.close());

  const nearIp = (words: string): Promise<string> => lab.network.ip(lab.near.namespace, words);
  const device = async (): Promise<string> =>
    / dev (\S+) /.exec(
      (await lab.network.routes(lab.near.namespace, "10.233.2.0/24"))[0] ?? "",
    )?.[1] ?? "";

  test("has this node's address, a TTL, path MTU discovery and our mark", async () => {
    assert.equal(await device(), "margay");
    const shown = await nearIp("-d addr show margay");
    assert.match(shown, /<[^>]*\bUP\b[^>]*> mtu 1480 /);
    assert.match(shown, /ipip (any )?remote any local 192\.168\.1\.2 ttl 64 pmtudisc/);
    assert.match(shown, /alias margay/);
    assert.match(shown, /inet 10\.233\.1\.0\/32/);
  });

  test("writes them into the outer header, and packets pass both ways", async () => {
    const { frames } = await lab.sniff("ip proto 4 and src 192.168.1.2", 1);
    await lab.ping(lab.near, lab.far);
    // One hop further on, behind the router.
    assert.match(
      await frames,
      /ttl 63, .*flags \[DF\], proto IPIP \(4\).*192\.168\.1\.2 > 192\.168\.2\.2:.*10\.233\.1\.3 > 10\.233\.2\.3: ICMP echo request/s,
    );
    await lab.ping(lab.far, lab.near);
  });

  test("gets back its TTL, its name and itself", async () => {
    for (const damage of [
      "link set margay type ipip remote any local 192.168.1.2 ttl 3",
      "link del margay",
    ]) {
      const { repairs } = await near.status();
      await nearIp(damage);
      await near.untilStatus((status) => status.repairs > repairs);
      await until("it is as it was", async () => {
        const shown = await nearIp("-d link show margay").catch(() => "");
        return shown.includes("ttl 64 pmtudisc") && (await device()) === "margay";
      });
    }
    await lab.ping(lab.near, lab.far);
  });

  test("goes for tunl0 and VXLAN and comes back by settings, while no look-up fails, and nothing is left", async () => {
    const lookups = await Lookups.start(lab.near.namespace, "10.233.2.3");
    const moves: readonly (readonly [
      method: string,
      values: readonly unknown[],
      device: string,
    ])[] = [
      ["setTunnelSettings", [{ ...OWN, ipipDevice: "tunl0" }], "tunl0"],
      ["setPoolPolicies", ["cross-subnet", "vxlan"], "vxlan.margay"],
      ["setTunnelSettings", [OWN], "vxlan.margay"],
      ["setPoolPolicies", ["always", "ipip"], "margay"],
    ];
    for (const [method, values, to] of moves) {
      await near.call(method, ...values);
      await near.call("settled");
      assert.equal(await device(), to);
      await until("nothing of the former is left", async () => {
        const shown = await nearIp("-o addr show");
        const up = await nearIp("-o link show up");
        const others = ["margay", "tunl0", "vxlan.margay"].filter((name) => name !== to);
        return (
          others.every((name) => !up.includes(` ${name}@`) && !up.includes(` ${name}:`)) &&
          shown.split("10.233.1.0/32").length === 2
        );
      });
    }
    const { lookups: count, failures } = await lookups.end();
    assert.deepEqual(failures, []);
    assert.ok(count > 0);
    await lab.ping(lab.near, lab.far);
  });

  test("clean-up leaves nothing of it", async () => {
    await near.stop(true);
    await assert.rejects(nearIp("link show margay"));
  });
});
