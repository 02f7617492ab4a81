import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { TwoSegments } from "./support/two-segments.ts";

const PODS = { 4: "10.233.3.0/24", 6: "fd00:233:3::/64" } as const;
const BESIDE = { 4: "192.168.1.3/24", 6: "fd00:1::3/64" } as const;

describe("a next hop on our segment that stops answering there", {
  skip: whyNoNamespaces() ?? false,
  timeout: 120_000 * slowness,
}, () => {
  const lab = new TwoSegments("silent");
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    const { network } = lab;
    await lab.addIpv6();
    // The kernel gives up sooner than after three seconds.
    for (const version of ["ipv4", "ipv6"]) {
      const of = `net.${version}.neigh.eth0`;
      const settings = [`${of}.retrans_time_ms=100`, `${of}.mcast_solicit=1`];
      await network.exec(lab.near.namespace, "sysctl", "-qw", ...settings);
    }
    near = await lab.felix(lab.near, {
      ...{ tunnel: "vxlan", secondAddress: "fd00:1::2" },
      podPools: ["10.233.0.0/16", "fd00:233::/32"],
    });
  });

  after(() => lab.close());

  const device = async (version: 4 | 6): Promise<string | undefined> => {
    const shown = await lab.network.ip(
      lab.near.namespace,
      `-${version} route show ${PODS[version]}`,
    );
    return / dev (\S+) /.exec(shown)?.[1];
  };
  const besides = async (verb: "add" | "del"): Promise<void> => {
    for (const address of Object.values(BESIDE)) {
      const words = `addr ${verb} ${address} dev eth0${verb === "add" ? " nodad" : ""}`;
      await lab.network.ip(lab.beside.namespace, words);
    }
  };
  const explained = async (address: string): Promise<string> => {
    const { lines } = await near.call<{ lines: string[] }>("explain", address);
    return lines.at(-2) ?? "";
  };

  test("is asked for though nobody sends to it, and reached through the tunnel, by IPv4 and IPv6", async () => {
    await besides("del");
    await near.setRoute(PODS[4], "192.168.1.3");
    await near.setRoute(PODS[6], "fd00:1::3");
    assert.deepEqual([await device(4), await device(6)], ["eth0", "eth0"]);
    await until("both routes to be in tunnels", async () => {
      return (await device(4)) === "vxlan.margay" && (await device(6)) === "vxlan6.margay";
    });
    assert.match(
      await explained("10.233.3.3"),
      /a subnet of eth0, but does not answer there: tunnel$/,
    );
    assert.match(
      await explained("fd00:233:3::3"),
      /a subnet of eth0, but does not answer there: tunnel$/,
    );
    assert.match(
      near.log,
      /a next hop does not answer on its segment \{"nextHop":"192\.168\.1\.3","device":"eth0"\}/,
    );
  });

  test("is reached straight again when it has answered for a while", async () => {
    await besides("add");
    await until(
      "both routes to lead straight there",
      async () => {
        return (await device(4)) === "eth0" && (await device(6)) === "eth0";
      },
      { timeoutSeconds: 60 },
    );
    assert.match(await explained("10.233.3.3"), /a subnet of eth0: direct$/);
  });
});
