import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { until } from "../support/until.ts";
import { Lookups } from "./support/lookups.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { TwoSegments } from "./support/two-segments.ts";

const skip = whyNoNamespaces() ?? false;

describe("routes through VXLAN", { skip, timeout: 120_000 * slowness }, () => {
  const lab = new TwoSegments("vxlan");
  let near: FelixProcess;
  let far: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.felix(lab.near, { tunnel: "vxlan" });
    far = await lab.felix(lab.far, { tunnel: "vxlan" });
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    await far.setRoute("10.233.1.0/24", "192.168.1.2");
  });

  after(() => lab.close());

  const nearIp = (words: string): Promise<string> => lab.network.ip(lab.near.namespace, words);
  const route = (): Promise<string[]> => lab.network.routes(lab.near.namespace, "10.233.2.0/24");
  const nearExec = (command: string, ...words: string[]): Promise<string> =>
    lab.network.exec(lab.near.namespace, command, ...words);
  const TUNNELLED = "10.233.2.0/24 via 192.168.2.2 dev vxlan.margay proto margay onlink";
  const fdb = (): Promise<string> =>
    lab.network.exec(lab.near.namespace, "bridge", "fdb", "show", "dev", "vxlan.margay");

  test("the device, its address, its peer and the route are there", async () => {
    assert.deepEqual(await route(), [TUNNELLED]);
    const shown = await nearIp("-d addr show vxlan.margay");
    assert.match(shown, /mtu 1450 /);
    assert.match(shown, /link\/ether 4e:77:c0:a8:01:02 /);
    assert.match(shown, /vxlan id 4077 local 192\.168\.1\.2 .*dstport 4789 .*nolearning/);
    assert.match(shown, /inet 10\.233\.1\.0\/32 /);
    assert.match(await fdb(), /4e:77:c0:a8:02:02 dst 192\.168\.2\.2 self permanent/);
    assert.match(
      await nearIp("neigh show dev vxlan.margay"),
      /192\.168\.2\.2 lladdr 4e:77:c0:a8:02:02 PERMANENT/,
    );
  });

  test("pods on two segments reach each other, in UDP on the wire between", async () => {
    const { frames } = await lab.sniff("udp port 4789", 2);
    await lab.ping(lab.near, lab.far);
    assert.match(await frames, /192\.168\.1\.2.*192\.168\.2\.2.*10\.233\.1\.3 . 10\.233\.2\.3/s);
    await lab.ping(lab.far, lab.near);
  });

  const MADE =
    "link add vxlan.margay type vxlan id 4077 dstport 4788 local 192.168.1.2 nolearning".split(" ");
  const damages: readonly (readonly [what: string, command: string, by: RegExp])[] = [
    ["neighbour gone", "ip neigh del 192.168.2.2 dev vxlan.margay", /: port ID \d+/],
    [
      "neighbour's MAC",
      "ip neigh replace 192.168.2.2 lladdr 02:00:00:00:00:01 dev vxlan.margay",
      /: port ID \d+/,
    ],
    [
      "neighbour beside",
      "ip neigh replace 192.168.9.9 lladdr 02:00:00:00:00:01 dev vxlan.margay",
      /: port ID \d+/,
    ],
    [
      "forwarding entry gone",
      "bridge fdb del 4e:77:c0:a8:02:02 dev vxlan.margay dst 192.168.2.2",
      /$/,
    ],
    ["address gone", "ip addr del 10.233.1.0/32 dev vxlan.margay", /: port ID \d+/],
    ["down", "ip link set vxlan.margay down", /$/],
    ["MTU", "ip link set vxlan.margay mtu 1300", /$/],
    ["MAC address", "ip link set vxlan.margay address 02:00:00:00:00:02", /$/],
    ["another name", "ip link set vxlan.margay name vx9", /$/],
    [
      "local and learning",
      "ip link set vxlan.margay type vxlan id 4077 local 192.168.1.77 learning",
      /$/,
    ],
    ["alias", "ip link set vxlan.margay alias other", /$/],
    ["rp_filter", "sysctl -qw net.ipv4.conf.vxlan/margay.rp_filter=1", /$/],
    ["device gone", "ip link del vxlan.margay", /^(: port ID \d+.*)?$/],
  ];
  const LOOK =
    "ip -d -o link show dev $1; ip -o -4 addr show dev $1; ip neigh show nud permanent dev $1; bridge fdb show dev $1 | grep dst | sort; ip route show 10.233.2.0/24; sysctl -n net.ipv4.conf.$2.rp_filter";
  /** All that is to be true of the tunnel, as text; whatever index the device has. */
  async function look(): Promise<string> {
    const text = await nearExec("sh", "-c", LOOK, "-", "vxlan.margay", "vxlan/margay");
    // Of the reverse path filter it matters that it is not strict.
    return text.replaceAll(/^\d+: /gm, "").replace(/\n[02]\n$/, "\nloose\n");
  }
  const tookMs: number[] = [];
  for (const [what, command, by] of damages) {
    test(`${what}: put right, counted, and the log says so`, async () => {
      const whole = await look();
      const { repairs } = await near.status();
      const logged = near.log.length;
      await nearExec(...(command.split(" ") as [string, ...string[]]));
      const doneMs = performance.now();
      await near.untilStatus((status) => status.repairs > repairs);
      tookMs.push(performance.now() - doneMs);
      await until("all is as it was", async () => (await look()) === whole);
      const said = /put right a tunnel that someone changed(.*) \{"device":"vxlan\.margay"/;
      await until("the log says so", () => said.test(near.log.slice(logged)));
      assert.match(said.exec(near.log.slice(logged))?.[1] ?? "", by);
    });
  }

  test("all that within 200 ms, as a rule", async () => {
    const median = tookMs.sort((a, b) => a - b)[tookMs.length >> 1] ?? Number.POSITIVE_INFINITY;
    assert.ok(median < 200 * slowness, tookMs.map((ms) => ms.toFixed()).join(" "));
    await lab.ping(lab.near, lab.far);
  });

  test("one of ours with another port in its place is made anew", async () => {
    await nearIp("link del vxlan.margay");
    await nearExec("ip", ...MADE).catch(() => "ours was quicker");
    await nearIp("link set vxlan.margay alias margay");
    await until("the tunnel is ours", async () => {
      const shown = await nearIp("-d link show vxlan.margay").catch(() => "");
      return shown.includes("dstport 4789") && (await route())[0] === TUNNELLED;
    });
    await lab.ping(lab.near, lab.far);
  });

  test("from the wire to the tunnel and back, no look-up fails meanwhile", async () => {
    await near.setRoute("10.233.3.0/24", "192.168.1.3");
    const loop =
      "while ! [ -e $1 ]; do ip route get 10.233.3.3 | grep -q 10.233.3.3 && echo well || echo ill; done";
    const mark = join(tmpdir(), `mgf-${process.pid}-stop`);
    const looking = lab.network.exec(lab.near.namespace, "sh", "-c", loop, "-", mark);
    for (const encapsulation of ["always", "cross-subnet", "always", "cross-subnet"]) {
      await near.call("setPoolPolicies", encapsulation, "vxlan");
      await near.call("settled");
      const [line] = await lab.network.routes(lab.near.namespace, "10.233.3.0/24");
      assert.equal(line?.includes("vxlan.margay"), encapsulation === "always");
    }
    writeFileSync(mark, "");
    const said = await looking;
    rmSync(mark);
    assert.match(said, /^(well\n)+$/);
  });

  test("where none may be any more, the route goes, and comes back when it may", async () => {
    await near.call("pictureComplete");
    await near.call("setPoolPolicies", "never", "vxlan");
    await near.call("settled");
    assert.deepEqual(await route(), []);
    await near.call("setPoolPolicies", "cross-subnet", "vxlan");
    await near.call("settled");
    assert.deepEqual(await route(), [TUNNELLED]);
    await lab.ping(lab.near, lab.far);
  });

  test("no look-up fails while the tunnel's only address makes way for that of another pod CIDR", async () => {
    // Else the default route has an answer, too.
    await nearIp("route add 192.168.2.0/24 via 192.168.1.1");
    await nearIp("route del default");
    const lookups = await Lookups.start(lab.near.namespace, "10.233.2.3");
    for (const network of ["10.233.9", "10.233.1", "10.233.9", "10.233.1"]) {
      await near.call("setLocalPrefixes", `${network}.0/24`);
      await until("the address to be the only one", async () => {
        const shown = await nearIp("-4 -o addr show vxlan.margay");
        return shown.includes(`inet ${network}.0/32`) && shown.trim().split("\n").length === 1;
      });
    }
    assert.deepEqual((await lookups.end()).failures, []);
  });

  test("clean-up leaves nothing", async () => {
    await near.stop(true);
    assert.deepEqual(await route(), []);
    await assert.rejects(nearIp("link show vxlan.margay"));
  });
});
