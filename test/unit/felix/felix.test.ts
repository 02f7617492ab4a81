import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Felix, type FelixOptions } from "../../../src/felix/felix.ts";
import type { FelixEvent, FibEntry } from "../../../src/felix/status.ts";
import type { Sysctl } from "../../../src/felix/sysctl.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { NetlinkError } from "../../../src/netlink/errno.ts";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import type { RouteChange } from "../../../src/netlink/route-request.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryKernel } from "../../support/memory-kernel.ts";

const STATIC = { protocol: 4, table: 254 };
const OURS = { protocol: 77, table: 254 };

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

/** Lets events that are on their way arrive. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("Felix", () => {
  let kernel: MemoryKernel;
  let eth0: number;
  let other: Netlink;
  let clock: FakeClock;
  let settings: Map<string, string>;
  let felix: Felix;
  let events: FelixEvent[];
  let modules: string[];
  let started: Felix[];

  const sysctl: Sysctl = {
    read: (key) => Promise.resolve(settings.get(key)),
    write: (key, value) => {
      settings.set(key, value);
      return Promise.resolve();
    },
  };

  beforeEach(() => {
    kernel = new MemoryKernel();
    eth0 = kernel.addLink("eth0", { up: true }).ifindex;
    kernel.addAddress(eth0, "192.168.1.2", 24);
    other = kernel.open();
    clock = new FakeClock();
    settings = new Map([["net/ipv4/ip_forward", "0"]]);
    modules = [];
    started = [];
  });

  afterEach(async () => {
    for (const one of started) await one.stop({ cleanup: false });
  });

  async function start(options: Partial<FelixOptions> = {}): Promise<Felix> {
    felix = new Felix({
      nodeAddress: "192.168.1.2",
      podCidrs: [prefix("10.233.1.0/24")],
      podPools: [prefix("10.233.0.0/16")],
      encapsulation: "cross-subnet",
      protocol: 77,
      table: 254,
      metric: 0,
      netlink: kernel.open(),
      sysctl,
      clock,
      logger: silentLogger,
      loadKernelModule: (name) => {
        modules.push(name);
        return Promise.resolve(false);
      },
      rtProtosDirectory: "/nonexistent",
      ...options,
    });
    started.push(felix);
    events = [];
    felix.onChange((event) => events.push(event));
    await felix.start();
    await felix.settled();
    return felix;
  }

  const set = (text: string, ...nextHops: string[]): void => {
    felix.setRoute({ prefix: prefix(text), nextHops });
  };

  const quiet = async (): Promise<void> => {
    await turn();
    await turn();
    await felix.settled();
  };

  /** What the kernel holds of pods: prefix, gateway, protocol. */
  const there = (): string[] =>
    kernel.routes
      .filter(({ prefix: { text }, table }) => text.startsWith("10.233.") && table === 254)
      .map(({ prefix: { text }, hops, protocol, type }) => {
        const [hop] = hops;
        const device = hop === undefined ? "" : ` ${kernel.links.get(hop.ifindex)?.name}`;
        return `${text} ${hop?.gateway ?? type}${device} ${protocol}`;
      })
      .sort();

  const entry = (text: string): FibEntry | undefined =>
    [...felix.routes()].find((one) => one.prefix.text === text);

  const change = (op: RouteChange["op"], text: string, gateway: string): RouteChange => ({
    ...{ op, prefix: prefix(text), metric: 0 },
    path: { type: "unicast", hops: [{ gateway, ifindex: eth0, onlink: false, weight: 1 }] },
  });

  const router = async (): Promise<void> => {
    await other.applyRoutes([change("create", "0.0.0.0/0", "192.168.1.1")], STATIC);
  };

  describe("writing", () => {
    test("many routes are few batches", async () => {
      await start({ podCidrs: [] });
      for (let index = 0; index < 5000; index++) {
        set(`10.${index >>> 8}.${index & 255}.0/24`, "192.168.1.3");
      }
      await felix.settled();
      assert.equal(felix.status().counts.installed, 5000);
      assert.equal(kernel.batches, 2);
    });

    test("what is set in one turn is written once", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      set("10.233.2.0/24", "192.168.1.4");
      set("10.233.3.0/24", "192.168.1.3");
      felix.removeRoute(prefix("10.233.3.0/24"));
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.4 eth0 77"]);
      assert.equal(kernel.changes.length, 1);
    });

    test("one route that the kernel refuses holds nobody up, and says why", async () => {
      await start({ podCidrs: [] });
      kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 22 };
      set("10.233.2.0/24", "192.168.1.3");
      set("10.233.3.0/24", "192.168.1.3");
      await felix.settled();
      assert.deepEqual(there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      assert.equal(entry("10.233.2.0/24")?.state, "error");
      assert.equal(entry("10.233.2.0/24")?.errno, 22);
      assert.equal(entry("10.233.2.0/24")?.problem, "EINVAL: invalid argument");
      kernel.addAddress(eth0, "172.16.0.1", 24);
      await quiet();
      assert.equal(entry("10.233.2.0/24")?.state, "installed");
    });

    test("a route that another program fights over is left to rest, and then tried again", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      let rounds = 0;
      const fighter = kernel.open();
      fighter.onEvent((event) => {
        if (event.kind !== "route" || event.op !== "new" || rounds++ > 1000) return;
        void fighter.applyRoutes([change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      });
      await other.applyRoutes([change("replace", "10.233.2.0/24", "192.168.1.9")], OURS);
      for (let turns = 0; turns < 200; turns++) await turn();
      assert.equal(felix.status().repairs, 20);
      assert.match(entry("10.233.2.0/24")?.problem ?? "", /^EBUSY: another program keeps changing/);
      fighter.close();
      clock.advance(10_001);
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("without privileges it says what to do", async () => {
      await start({ podCidrs: [] });
      kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 1 };
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      assert.equal(entry("10.233.2.0/24")?.remedy, "run margay as root or with CAP_NET_ADMIN");
    });

    test("an IPv6 prefix is shown as what it is", async () => {
      await start();
      set("fd00:1::/64", "192.168.1.3");
      await felix.settled();
      assert.equal(entry("fd00:1::/64")?.state, "error");
      assert.equal(entry("fd00:1::/64")?.problem, "IPv6 routes are not programmed");
    });

    test("events tell what was done", async () => {
      await start({ podCidrs: [] });
      felix.pictureComplete();
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      felix.removeRoute(prefix("10.233.2.0/24"));
      await felix.settled();
      assert.deepEqual(
        events.filter(({ kind }) => kind !== "resync").map((event) => JSON.stringify(event)),
        ["installed", "removed"].map((kind) =>
          JSON.stringify({
            kind,
            prefix: prefix("10.233.2.0/24"),
            text: "via 192.168.1.3 dev eth0",
          }),
        ),
      );
    });
  });

  describe("losing sight of the kernel", () => {
    test("lost events are made good by reading everything", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      kernel.mute();
      await other.applyRoutes([change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      kernel.addAddress(eth0, "172.16.0.1", 24);
      kernel.unmute();
      set("10.233.3.0/24", "172.16.0.9");
      await quiet();
      assert.deepEqual(there(), [
        "10.233.2.0/24 192.168.1.3 eth0 77",
        "10.233.3.0/24 172.16.0.9 eth0 77",
      ]);
      assert.equal(felix.status().overflows, 1);
      assert.equal(felix.status().repairs, 1);
    });

    test("a lost acknowledgement is looked up a second later", async () => {
      await start({ podCidrs: [] });
      kernel.faults.loseNextAcknowledgement = true;
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      assert.equal(entry("10.233.2.0/24")?.state, "pending");
      clock.advance(1_000);
      await felix.settled();
      assert.equal(entry("10.233.2.0/24")?.state, "adopted");
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("a kernel that cannot be read for a moment is read again", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      kernel.faults.failNextDump = 16;
      kernel.mute();
      await other.applyRoutes([change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      kernel.unmute();
      await quiet();
      assert.deepEqual(there(), []);
      clock.advance(1_000);
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("a kernel that cannot be read at start is told of", async () => {
      kernel.faults.failNextDump = 1;
      await assert.rejects(start(), NetlinkError);
    });

    test("every five minutes all is compared, whatever the events said", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      kernel.routes = kernel.routes.filter(({ protocol }) => protocol !== 77);
      clock.advance(300_000);
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
      assert.equal(felix.status().lastResync?.reason, "safety net");
      kernel.routes = kernel.routes.filter(({ protocol }) => protocol !== 77);
      clock.advance(300_000);
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });
  });

  describe("the tunnel", () => {
    test("is made, brought up and given its address when a next hop is beyond a router", async () => {
      await router();
      settings.set("net/ipv4/conf/all/rp_filter", "1");
      await start();
      assert.equal(felix.status().tunnel.needed, false);
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      assert.deepEqual(there(), [
        "10.233.1.0/24 unreachable 77",
        "10.233.2.0/24 192.168.2.2 tunl0 77",
      ]);
      assert.deepEqual(felix.status().tunnel, {
        ...{ device: "tunl0", needed: true, up: true, mtu: 1480, address: "10.233.1.0" },
        ...{ ipipSupported: true, problem: undefined },
      });
      assert.equal(settings.get("net/ipv4/conf/tunl0/rp_filter"), "2");
      const wanted = entry("10.233.2.0/24")?.wanted;
      assert.equal(wanted?.text, "via 192.168.2.2 dev tunl0 onlink");
      assert.equal(
        wanted?.nextHops[0]?.verdict.text,
        "192.168.2.2 is behind 192.168.1.1 on eth0 (route 0.0.0.0/0)",
      );
    });

    test("without ipip its routes say so, once in the log, and the others go in", async () => {
      await router();
      kernel.hasIpip = false;
      const said: string[] = [];
      const logger = { ...silentLogger, error: (_: object, text: string) => said.push(text) };
      await start({ podCidrs: [], logger: { ...logger, child: () => logger } });
      set("10.233.2.0/24", "192.168.2.2");
      set("10.233.4.0/24", "192.168.4.2");
      set("10.233.3.0/24", "192.168.1.3");
      await felix.settled();
      assert.deepEqual(there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      const missing = entry("10.233.2.0/24");
      assert.equal(missing?.state, "error");
      assert.equal(missing?.problem, "kernel has no ipip (EOPNOTSUPP: Unknown device type)");
      assert.equal(missing?.remedy, "modprobe ipip, or encapsulation never");
      assert.equal(felix.status().counts.error, 2);
      assert.deepEqual(modules, ["ipip"]);
      assert.deepEqual(said, ["kernel has no ipip (EOPNOTSUPP: Unknown device type)"]);
    });

    test("the module is loaded where it can be", async () => {
      await router();
      kernel.hasIpip = false;
      await start({
        loadKernelModule: () => {
          kernel.hasIpip = true;
          return Promise.resolve(true);
        },
      });
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      assert.equal(entry("10.233.2.0/24")?.state, "installed");
    });

    test("when somebody loads the module later, the routes go in", async () => {
      await router();
      kernel.hasIpip = false;
      await start();
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      kernel.hasIpip = true;
      kernel.addLink("tunl0", { kind: "ipip" });
      await quiet();
      assert.equal(entry("10.233.2.0/24")?.state, "installed");
    });

    test("is for all with encapsulation always, for none with never", async () => {
      await router();
      await start({ encapsulation: "always", podCidrs: [] });
      set("10.233.3.0/24", "192.168.1.3");
      await felix.settled();
      assert.deepEqual(there(), ["10.233.3.0/24 192.168.1.3 tunl0 77"]);
      await felix.stop({ cleanup: true });
      await start({ encapsulation: "never", podCidrs: [] });
      set("10.233.2.0/24", "192.168.2.2");
      set("10.233.3.0/24", "192.168.1.3");
      await felix.settled();
      assert.deepEqual(there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      assert.match(entry("10.233.2.0/24")?.problem ?? "", /, and encapsulation is never$/);
      assert.equal(entry("10.233.2.0/24")?.state, "error");
    });

    test("somebody else's address and link are left by clean-up, ours go", async () => {
      await router();
      await start();
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      const tunl0 = [...kernel.links.values()].find(({ name }) => name === "tunl0");
      assert.ok(tunl0);
      kernel.addAddress(tunl0.ifindex, "10.50.0.0", 32);
      await felix.stop({ cleanup: true });
      assert.deepEqual(there(), []);
      const left = kernel.addresses.filter(({ ifindex }) => ifindex === tunl0.ifindex);
      assert.deepEqual(
        left.map(({ address }) => address),
        ["10.50.0.0"],
      );
      assert.equal(kernel.links.get(tunl0.ifindex)?.up, true);
    });

    test("a device of the name that is no tunnel is not touched", async () => {
      await router();
      kernel.addLink("tunl0", { kind: "veth" });
      await start();
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      assert.equal(entry("10.233.2.0/24")?.problem, "tunl0 is of type veth, not ipip");
    });
  });

  describe("next hops", () => {
    test("a route follows its next hop from tunnel to wire and back", async () => {
      await router();
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      kernel.addAddress(eth0, "192.168.2.7", 24);
      await quiet();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.2.2 eth0 77"]);
      kernel.removeAddress(eth0, "192.168.2.7");
      await quiet();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
    });

    test("losing the way to a next hop leaves its route as it is", async () => {
      await router();
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.2.2");
      await felix.settled();
      await other.applyRoutes([change("delete", "0.0.0.0/0", "192.168.1.1")], STATIC);
      await quiet();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
      assert.equal(entry("10.233.2.0/24")?.state, "pending");
      await router();
      await quiet();
      assert.equal(entry("10.233.2.0/24")?.state, "installed");
    });

    test("a route over two next hops goes over the one that can be reached", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "172.16.0.9", "192.168.1.3");
      await felix.settled();
      assert.deepEqual(there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
      kernel.addAddress(eth0, "172.16.0.1", 24);
      await quiet();
      assert.equal(
        entry("10.233.2.0/24")?.wanted?.text,
        "nexthop via 172.16.0.9 dev eth0 weight 1 nexthop via 192.168.1.3 dev eth0 weight 1",
      );
    });

    test("a next hop inside a pod route is no way to that pod route", async () => {
      await start({ podCidrs: [] });
      set("10.233.2.0/24", "192.168.1.3");
      await felix.settled();
      set("10.233.3.0/24", "10.233.2.9");
      await felix.settled();
      assert.equal(
        entry("10.233.3.0/24")?.problem,
        "10.233.2.9 is inside the pod route 10.233.2.0/24",
      );
    });
  });

  describe("local routes", () => {
    test("follow the configuration", async () => {
      await start();
      felix.pictureComplete();
      felix.setLocalPrefixes([prefix("10.233.8.0/24"), prefix("10.233.9.9/32")]);
      await felix.settled();
      assert.deepEqual(there(), ["10.233.8.0/24 unreachable 77"]);
      assert.equal(felix.status().local[1]?.reason, "a /32 is the pod's own route");
    });

    test("give way to a wider subnet of an interface, and come back", async () => {
      await start();
      felix.pictureComplete();
      kernel.addAddress(eth0, "10.233.0.1", 16);
      await quiet();
      assert.deepEqual(there(), ["10.233.0.0/16 unicast eth0 2"]);
      kernel.removeAddress(eth0, "10.233.0.1");
      await quiet();
      assert.deepEqual(there(), ["10.233.1.0/24 unreachable 77"]);
    });
  });

  describe("forwarding", () => {
    test("that is on is left", async () => {
      settings.set("net/ipv4/ip_forward", "1");
      await start();
      assert.deepEqual(felix.status().forwarding, {
        ...{ enabled: true, switchedOn: false, problem: undefined },
      });
    });

    test("that cannot be switched on is a problem with a remedy", async () => {
      await start({ sysctl: { ...sysctl, write: () => Promise.reject(new Error("EROFS")) } });
      const { enabled, problem } = felix.status().forwarding;
      assert.equal(enabled, false);
      assert.match(problem?.text ?? "", /EROFS/);
      assert.equal(problem?.remedy, "sysctl -w net.ipv4.ip_forward=1");
    });
  });

  describe("explain", () => {
    test("tells the longest wanted route, and the kernel's own answer", async () => {
      await router();
      await start();
      set("10.233.2.0/24", "192.168.1.3");
      set("10.233.2.64/26", "192.168.1.4");
      await felix.settled();
      const found = await felix.explain("10.233.2.70");
      assert.equal(found.inPodPools, true);
      assert.equal(found.entry?.prefix.text, "10.233.2.64/26");
      assert.ok(found.kernel.found);
      assert.equal(found.kernel.text, "via 192.168.1.4 dev eth0");
      const outside = await felix.explain("8.8.8.8");
      assert.equal(outside.entry, undefined);
      assert.deepEqual(outside.lines, [
        "no route is wanted for 8.8.8.8",
        "the kernel uses 0.0.0.0/0 via 192.168.1.1 dev eth0 proto static",
      ]);
      await assert.rejects(felix.explain("pod"), TypeError);
    });
  });
});
