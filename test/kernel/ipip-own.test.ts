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
    await lab.addIpv6();
    for (const [node, number] of [
      [lab.near, 1],
      [lab.far, 2],
    ] as const) {
      await lab.network.ip(node.namespace, `addr add fd00:233:${number}::3/128 dev lo nodad`);
    }
    const podPools = ["10.233.0.0/16", "fd00:233::/32"];
    near = await lab.felix(lab.near, {
      ...{ tunnelSettings: OWN, tunnelLingerMs: 100, podPools, secondAddress: "fd00:1::2" },
      podCidrs: [lab.near.podCidr, "fd00:233:1::/64"],
    });
    // The other end need not have one.
    const far = await lab.felix(lab.far, {
      ...{ podPools, secondAddress: "fd00:2::2" },
      podCidrs: [lab.far.podCidr, "fd00:233:2::/64"],
    });
    await near.setRoute("fd00:233:2::/64", "fd00:2::2");
    await far.setRoute("fd00:233:1::/64", "fd00:1::2");
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

  test("has one for IPv6 beside it, which adds a header of forty octets and nothing else", async () => {
    assert.match(
      await nearIp("-6 route show fd00:233:2::/64"),
      /via fd00:2::2 dev ip6tnl\.margay /,
    );
    assert.match(await nearIp("link show ip6tnl.margay"), /mtu 1460 /);
    const { frames } = await lab.sniff("ip6 proto 41 and src fd00:1::2", 1);
    const words = ["-c", "1", "-W", "5", "-I", "fd00:233:1::3", "fd00:233:2::3"];
    await lab.network.exec(lab.near.namespace, "ping", ...words);
    assert.match(
      await frames,
      /hlim 63, next-header IPv6 \(41\)[^]*fd00:1::2 > fd00:2::2: [^]*fd00:233:1::3 > fd00:233:2::3: [^\n]*ICMP6, echo request/,
    );
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
      assert.equal(await device(), to, `not on ${to}, and felix said:\n${near.log}`);
      await until("nothing of the former is left", async () => {
        const up = await nearIp("-o link show up");
        const addresses = (await nearIp("-o -4 addr show")).split("\n");
        // The one over IPv6 is another tunnel, which has the same address.
        const holders = addresses.filter((line) => / 10\.233\.1\.0\/32 /.test(line));
        const former = ["margay", "tunl0", "vxlan.margay"].filter((name) => name !== to);
        return (
          former.every((name) => !up.includes(` ${name}@`) && !up.includes(` ${name}:`)) &&
          holders.every((line) => line.includes(` ${to} `) || line.includes(" vxlan6.margay "))
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
