import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixStatus } from "../../src/felix/status.ts";
import { until } from "../support/until.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { RouteMonitor } from "./support/route-monitor.ts";
import { type Node, TwoSegments } from "./support/two-segments.ts";

const skip = whyNoNamespaces() ?? false;

function pathsOf(paths: FelixStatus["mtu"]["paths"]): string[] {
  return paths.map(({ nextHop, octets, how }) => `${nextHop} ${octets} ${how}`).toSorted();
}

describe("what gets to other nodes", { skip, timeout: 180_000 * slowness }, () => {
  const lab = new TwoSegments("mtu");
  const probing = { intervalSeconds: 0.5, timeoutMs: 150 * slowness };
  let near: FelixProcess;

  const ip = (node: Node, words: string): Promise<string> => lab.network.ip(node.namespace, words);
  const routerIp = (words: string): Promise<string> => lab.network.ip(lab.router, words);
  const routes = (words: string): Promise<string[]> => {
    return lab.network.routes(lab.near.namespace, words);
  };
  const routes6 = (words: string): Promise<string> => ip(lab.near, `-6 route show ${words}`);
  const FAR = "10.233.2.0/24 via 192.168.2.2 dev vxlan.margay proto margay onlink";
  const BESIDE = "10.233.3.0/24 via 192.168.1.3 dev eth0 proto margay";

  const start = (options: object = { mtu: probing }): Promise<FelixProcess> =>
    lab.felix(lab.near, {
      tunnel: "vxlan",
      secondAddress: "fd01::2",
      podPools: ["10.233.0.0/16", "fd10::/16"],
      podCidrs: ["10.233.1.0/24", "fd10:1::/64"],
      ...options,
    });
  const want = async (felix: FelixProcess): Promise<void> => {
    await felix.call("setRoute", "10.233.2.0/24", "192.168.2.2");
    await felix.call("setRoute", "10.233.3.0/24", "192.168.1.3");
    await felix.call("setRoute", "fd10:2::/64", "fd02::2");
    await felix.call("settled");
  };
  const settlesOn = (far: string, beside: string, far6: string): Promise<true> =>
    until(
      `routes with${far || " no MTU"},${beside || " no MTU"} and${far6 || " no MTU"}`,
      async () => {
        const [of4, ofBeside, of6] = await Promise.all([
          routes("10.233.2.0/24"),
          routes("10.233.3.0/24"),
          routes6("fd10:2::/64"),
        ]);
        const mtu6 = /mtu \d+/.exec(of6)?.[0];
        const is6 = far6 === "" ? mtu6 === undefined : far6 === ` ${mtu6}`;
        return of4[0] === FAR + far && ofBeside[0] === BESIDE + beside && is6;
      },
    );

  before(async () => {
    await lab.build();
    for (const node of [lab.far, lab.beside]) {
      // Answers at once, however often it is asked.
      await lab.network.exec(node.namespace, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0");
      await lab.network.exec(node.namespace, "sysctl", "-qw", "net.ipv6.icmp.ratelimit=0");
    }
    await lab.network.exec(lab.router, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    await ip(lab.near, "addr add fd01::2/64 dev eth0 nodad");
    await routerIp("addr add fd01::1/64 dev lan0 nodad");
    await routerIp("addr add fd02::1/64 dev lan1 nodad");
    await ip(lab.far, "addr add fd02::2/64 dev eth0 nodad");
    await ip(lab.near, "-6 route add default via fd01::1");
    await ip(lab.far, "-6 route add default via fd02::1");
    near = await start();
    await want(near);
  });

  after(() => lab.close());

  test("routes bear no MTU where everything gets there", async () => {
    await until("all three ways are probed", async () => {
      const { mtu } = await near.status();
      return mtu.smallest !== undefined && (await routes("10.233.2.0/24")).length === 1;
    });
    await settlesOn("", "", "");
    assert.deepEqual((await near.status()).mtu.paths, []);
  });

  test("what the router between says is on the routes, for both IP versions, less the tunnel's part", async () => {
    await routerIp("link set lan1 mtu 1400");
    await settlesOn(" mtu 1350", "", " mtu 1330");
    const { paths, smallest } = (await near.status()).mtu;
    assert.deepEqual(pathsOf(paths), ["192.168.2.2 1400 reported", "fd02::2 1400 reported"]);
    assert.equal(
      smallest?.text,
      "no more than 1400 octets get to fd02::2, as a router reports, of which vxlan takes 70",
    );
    const entry = await near.route("10.233.2.0/24");
    assert.equal(entry?.["state"], "installed");
    assert.deepEqual((entry?.["wanted"] as { mtu: unknown } | undefined)?.mtu, {
      octets: 1350,
      text: "no more than 1400 octets get to 192.168.2.2, as a router reports, of which vxlan takes 50",
    });
    const said = await near.call<{ lines: string[] }>("explain", "10.233.2.3");
    assert.ok(said.lines.some((line) => line.startsWith("MTU 1350: no more than 1400")));
  });

  test("a pod that sends more is told by the node, and what it may send gets through", async () => {
    const far = await lab.felix(lab.far, { tunnel: "vxlan" });
    await far.setRoute("10.233.1.0/24", "192.168.1.2");
    const ping = (size: number): Promise<string> =>
      lab.network.exec(
        lab.near.pod,
        ...(["ping", "-M", "do", "-c", "1", "-W", "5", "-s", String(size - 28)] as const),
        lab.far.podAddress,
      );
    await ping(1350);
    await assert.rejects(ping(1351), ({ stdout }: { stdout: string }) => {
      return /mtu ?= ?1350/.test(stdout);
    });
    await far.stop(true);
  });

  test("interfaces of pods that send more are in the status and in the log", async () => {
    await until("the pod's link is known", async () => {
      const { podInterfaces } = (await near.status()).mtu;
      return podInterfaces.length === 1;
    });
    const { podInterfaces } = (await near.status()).mtu;
    assert.deepEqual(podInterfaces, [{ device: "pod0", mtu: 1500 }]);
    assert.match(near.log, /pods send larger packets than every route takes.*pod0 1500/);
    await ip(lab.near, "link set pod0 mtu 1330");
    await near.untilStatus(({ mtu }) => mtu.podInterfaces.length === 0);
    await ip(lab.near, "link set pod0 mtu 1500");
    await near.untilStatus(({ mtu }) => mtu.podInterfaces.length === 1);
  });

  test("a start adopts what the routes bear, and changes none", async () => {
    await near.kill();
    const monitor = await RouteMonitor.start(lab.near.namespace, (words) => ip(lab.near, words));
    near = await start({});
    await want(near);
    await settlesOn(" mtu 1350", "", " mtu 1330");
    assert.equal((await near.route("10.233.2.0/24"))?.["state"], "adopted");
    const lines = await monitor.end();
    assert.deepEqual(
      lines.filter((line) => line.includes("10.233.2.0/24")),
      [],
    );
    await near.kill();
    near = await start();
    await want(near);
  });

  test("routes lose it when everything gets there again", async () => {
    await routerIp("link set lan1 mtu 1500");
    await settlesOn("", "", "");
    assert.deepEqual((await near.status()).mtu.paths, []);
  });

  test("large packets that vanish without a word are found out, behind a router and on the segment", async () => {
    await ip(lab.far, "link set eth0 mtu 1400");
    await ip(lab.beside, "link set eth0 mtu 1300");
    await settlesOn(" mtu 1350", " mtu 1300", " mtu 1330");
    const { paths } = (await near.status()).mtu;
    assert.deepEqual(pathsOf(paths), [
      "192.168.1.3 1300 probed",
      "192.168.2.2 1400 probed",
      "fd02::2 1400 probed",
    ]);
    await ip(lab.far, "link set eth0 mtu 1500");
    await ip(lab.beside, "link set eth0 mtu 1500");
    await settlesOn("", "", "");
  });

  test("a node that answers nobody leaves its routes alone", async () => {
    await ip(lab.far, "link set eth0 down");
    const sentDatagrams = async (): Promise<number> => {
      const said = await lab.network.exec(lab.near.namespace, "cat", "/proc/net/snmp");
      return Number(/^Udp: (?:\d+ ){3}(\d+)/m.exec(said)?.[1]);
    };
    const sent = await sentDatagrams();
    await until("it is probed in vain", async () => (await sentDatagrams()) > sent + 20);
    await settlesOn("", "", "");
  });

  test("clean-up takes routes with an MTU, too", async () => {
    await ip(lab.far, "link set eth0 up");
    await ip(lab.beside, "link set eth0 mtu 1300");
    await until("the route on the segment bears it", async () => {
      return (await routes("10.233.3.0/24"))[0] === `${BESIDE} mtu 1300`;
    });
    await near.stop(true);
    assert.deepEqual(await routes("10.233.3.0/24"), []);
  });
});
