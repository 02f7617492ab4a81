import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { Margay, margayCommand } from "../support/margay.ts";
import { Network as Segments } from "../support/netns.ts";
import { attempt, type Finished } from "../support/run.ts";
import { until } from "../support/until.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { TwoSegments } from "./support/two-segments.ts";

const skip = whyNoNamespaces() ?? false;

const cluster = {
  podPools: ["10.233.0.0/16"],
  members: [
    { name: "near", address: "192.168.1.2", podCidrs: ["10.233.1.0/24"] },
    { name: "far", address: "192.168.2.2", podCidrs: ["10.233.2.0/24"] },
    { name: "beside", address: "192.168.1.3", podCidrs: ["10.233.3.0/24", "10.233.4.0/26"] },
  ],
};

/** All that margay may have a hand in, in words; what differs between any two namespaces is left out. */
async function snapshot(lab: TwoSegments): Promise<string> {
  const { namespace } = lab.near;
  const commands = [
    "ip -4 route show table all | sort",
    "ip nexthop show | sort",
    "ip -4 -o addr show | cut -d' ' -f2- | sort",
    "ip -d -o link show type vxlan | cut -d: -f2-",
    "ip neigh show nud permanent | sort",
    "bridge fdb show dev vxlan.margay 2>/dev/null | sort",
    "sysctl net.ipv4.ip_forward",
    "cat /proc/sys/net/ipv4/conf/vxlan.margay/rp_filter 2>/dev/null || true",
  ];
  return lab.network.exec(namespace, "sh", "-c", commands.join("; "));
}

describe("margay plan", { skip, timeout: 120_000 * slowness }, () => {
  const directory = mkdtempSync(join(tmpdir(), "margay-plan-"));
  const configFile = join(directory, "node.yaml");

  before(() => writeFileSync(join(directory, "cluster.yaml"), stringify(cluster)));
  after(() => rmSync(directory, { recursive: true }));

  async function plan(namespace: string, ...args: string[]): Promise<Finished> {
    const words = margayCommand(["plan", "--config", configFile, ...args]);
    const finished = await attempt(["ip", "netns", "exec", namespace, ...words]);
    assert.equal(finished.code, 0, finished.stderr);
    return finished;
  }

  function configure(more: Readonly<Record<string, unknown>>): void {
    const api = { socket: join(directory, "none.sock") };
    const file = { node: { name: "near" }, cluster: { file: "cluster.yaml" }, api, ...more };
    writeFileSync(configFile, stringify(file));
  }

  for (const nextHopObjects of ["never", "auto"]) {
    test(`what it prints, done by hand, is what a programmer does; next-hop objects: ${nextHopObjects}`, async () => {
      configure({ tunnel: "vxlan", kernel: { nextHopObjects } });
      const byHand = new TwoSegments("plan");
      const byFelix = new TwoSegments("planned");
      try {
        await byHand.build();
        await byFelix.build();
        const { namespace } = byHand.near;
        // A route of ours that is another now, and one of somebody else where we want ours.
        for (const lab of [byHand, byFelix]) {
          await lab.network.exec(
            lab.near.namespace,
            "sysctl",
            "-qw",
            "net.ipv4.conf.all.rp_filter=1",
          );
          const mine = "route add 10.233.3.0/24 via 192.168.1.1 proto 77";
          await lab.network.ip(lab.near.namespace, mine);
          const theirs = "route add 10.233.4.0/26 via 192.168.1.1 proto static";
          await lab.network.ip(lab.near.namespace, theirs);
        }
        const untouched = await snapshot(byHand);
        const { stdout } = await plan(namespace);
        assert.equal(await snapshot(byHand), untouched, "it changed something");
        await byHand.network.exec(namespace, "sh", "-ec", stdout);

        const felix = await byFelix.felix(byFelix.near, { tunnel: "vxlan", nextHopObjects });
        await felix.call("setRoute", "10.233.2.0/24", "192.168.2.2");
        await felix.call("setRoute", "10.233.3.0/24", "192.168.1.3");
        await felix.call("setRoute", "10.233.4.0/26", "192.168.1.3");
        await felix.call("settled");
        const wanted = await snapshot(byFelix);
        assert.equal(await snapshot(byHand), wanted);
        assert.match(wanted, /10\.233\.2\.0\/24 .*dev vxlan\.margay/);
        assert.match(stdout, /^# 10\.233\.4\.0\/26: a route of protocol static is there/m);

        const again = await plan(namespace);
        assert.deepEqual(
          again.stdout.split("\n").filter((line) => !line.startsWith("#") && line !== ""),
          [],
        );
      } finally {
        await byHand.close();
        await byFelix.close();
      }
    });
  }

  test("without a tunnel that this kernel has, it says what cannot be", async (t) => {
    configure({ tunnel: "ipip" });
    const lab = new TwoSegments("planless");
    try {
      await lab.build();
      const { stdout } = await plan(lab.near.namespace);
      if (stdout.includes("tunl0")) return t.skip("expected: this kernel has ipip");
      assert.match(stdout, /^# 10\.233\.2\.0\/24: .*ipip/m);
      assert.match(
        stdout,
        /^ip route add 10\.233\.3\.0\/24 via 192\.168\.1\.3 dev eth0 proto 77$/m,
      );
    } finally {
      await lab.close();
    }
  });

  test("of another configuration with a daemon's routes says what would move", async () => {
    const network = new Segments("mgpl");
    const margays: Margay[] = [];
    try {
      const segment = await network.segment("seg");
      const members = cluster.members.filter(({ name }) => name !== "far");
      for (const { name, address } of members) {
        const namespace = await network.namespace(name);
        await network.plug(namespace, "eth0", segment, `${address}/24`);
        const margay = new Margay(namespace, join(directory, name));
        margay.configure({ node: { name } }, { ...cluster, members });
        await margay.startNode();
        margays.push(margay);
      }
      const [near] = margays;
      assert.ok(near);
      await until("the routes to be in", async () => {
        const entries = await near.fib();
        return entries.filter(({ state }) => state === "installed").length === 3;
      });
      const planned = (): Promise<Finished> =>
        attempt(near.namespace.inside(margayCommand(["plan", "--config", near.configFile])));
      const same = await planned();
      assert.equal(same.stdout, "");
      assert.equal(same.stderr, "Nothing would change.\n");
      const moved = { node: { name: "near" }, encapsulation: "always", tunnel: "vxlan" };
      near.configure(moved, { ...cluster, members });
      const { stdout } = await planned();
      assert.match(stdout, /^ip link add vxlan\.margay .*type vxlan id 4077/m);
      const lines = stdout.split("\n").filter((line) => line.startsWith("ip route"));
      assert.deepEqual(lines.sort(), [
        "ip route replace 10.233.3.0/24 via 192.168.1.3 dev vxlan.margay proto 77 onlink",
        "ip route replace 10.233.4.0/26 via 192.168.1.3 dev vxlan.margay proto 77 onlink",
      ]);
    } finally {
      for (const margay of margays) await margay.kill();
      await network.destroy();
    }
  });
});
