import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { NetlinkError } from "../../../src/netlink/errno.ts";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { FelixHarness, OURS, prefix, STATIC, turn } from "../../support/felix-harness.ts";

describe("Felix", () => {
  let h: FelixHarness;

  beforeEach(() => {
    h = new FelixHarness();
  });

  afterEach(() => h.stop());

  describe("writing", () => {
    test("many routes are few batches", async () => {
      await h.start({ podCidrs: [] });
      for (let index = 0; index < 10_000; index++) {
        h.set(`10.${index >>> 8}.${index & 255}.0/24`, "192.168.1.3");
      }
      await h.felix.settled();
      assert.equal(h.felix.status().counts.installed, 10_000);
      // A small one first, so that the kernel has something to do.
      assert.equal(h.kernel.batches, 2);
    });

    test("a link that flaps while the first routes are with the kernel does not take them along for good", async () => {
      const inner = h.kernel.open();
      let isDue = true;
      const netlink = new Proxy(inner, {
        get(target, name: keyof Netlink) {
          if (name !== "applyRoutes") return (target[name] as () => unknown).bind(target);
          return async (...values: Parameters<Netlink["applyRoutes"]>) => {
            const failures = await target.applyRoutes(...values);
            if (!isDue) return failures;
            isDue = false;
            h.kernel.changeLink(h.eth0, { up: false });
            h.kernel.changeLink(h.eth0, { up: true });
            await turn();
            await turn();
            return failures;
          };
        },
      });
      await h.start({ podCidrs: [], netlink });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("what is set in one turn is written once", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      h.set("10.233.2.0/24", "192.168.1.4");
      h.set("10.233.3.0/24", "192.168.1.3");
      h.felix.removeRoute(prefix("10.233.3.0/24"));
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.4 eth0 77"]);
      assert.equal(h.kernel.changes.length, 1);
    });

    test("a route by a next hop that others have is there before the event loop turns", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      let hasTurned = false;
      setImmediate(() => {
        hasTurned = true;
      });
      h.set("10.233.3.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.equal(hasTurned, false);
      assert.equal(h.there().length, 2);
    });

    test("one route that the kernel refuses holds nobody up, and says why", async () => {
      await h.start({ podCidrs: [] });
      h.kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 22 };
      h.set("10.233.2.0/24", "192.168.1.3");
      h.set("10.233.3.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      assert.equal(h.entry("10.233.2.0/24")?.state, "error");
      assert.equal(h.entry("10.233.2.0/24")?.errno, 22);
      assert.equal(h.entry("10.233.2.0/24")?.problem, "EINVAL: invalid argument");
      h.kernel.addAddress(h.eth0, "172.16.0.1", 24);
      await h.quiet();
      assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
    });

    test("a route that another program fights over is left to rest, and then tried again", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      let rounds = 0;
      const fighter = h.kernel.open();
      fighter.onEvent((event) => {
        if (event.kind !== "route" || event.op !== "new" || rounds++ > 1000) return;
        void fighter.applyRoutes([h.change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      });
      await h.other.applyRoutes([h.change("replace", "10.233.2.0/24", "192.168.1.9")], OURS);
      for (let turns = 0; turns < 200; turns++) await turn();
      assert.equal(h.felix.status().repairs, 20);
      assert.match(
        h.entry("10.233.2.0/24")?.problem ?? "",
        /^EBUSY: another program keeps changing/,
      );
      fighter.close();
      h.clock.advance(10_001);
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("without privileges it says what to do", async () => {
      await h.start({ podCidrs: [] });
      h.kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 1 };
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.equal(h.entry("10.233.2.0/24")?.remedy, "run margay as root or with CAP_NET_ADMIN");
    });

    test("an IPv6 route cannot lead to an IPv4 next hop, and says so", async () => {
      await h.start();
      h.set("fd00:1::/64", "192.168.1.3");
      await h.felix.settled();
      assert.equal(h.entry("fd00:1::/64")?.state, "error");
      assert.equal(
        h.entry("fd00:1::/64")?.problem,
        "an IPv6 route cannot lead to the IPv4 next hop 192.168.1.3",
      );
    });

    test("IPv6 routes go in with the kernel's own default metric", async () => {
      h.kernel.addAddress(h.eth0, "2001:db8::2", 64);
      await h.start({ podCidrs: [prefix("10.233.1.0/24"), prefix("fd00:1::/64")] });
      h.set("fd00:2::/64", "2001:db8::3");
      await h.felix.settled();
      const route = h.kernel.routes.find((one) => one.prefix.text === "fd00:2::/64");
      assert.equal(route?.metric, 1024);
      assert.equal(route.hops[0]?.gateway, "2001:db8::3");
      assert.equal(h.entry("fd00:2::/64")?.state, "installed");
      assert.ok(h.kernel.routes.some((one) => one.prefix.text === "fd00:1::/64"));
    });

    test("events tell what was done", async () => {
      await h.start({ podCidrs: [] });
      h.felix.pictureComplete();
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      h.felix.removeRoute(prefix("10.233.2.0/24"));
      await h.felix.settled();
      assert.deepEqual(
        h.events.filter(({ kind }) => kind !== "resync").map((event) => JSON.stringify(event)),
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
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      h.kernel.mute();
      await h.other.applyRoutes([h.change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      h.kernel.addAddress(h.eth0, "172.16.0.1", 24);
      h.kernel.unmute();
      h.set("10.233.3.0/24", "172.16.0.9");
      await h.quiet();
      assert.deepEqual(h.there(), [
        "10.233.2.0/24 192.168.1.3 eth0 77",
        "10.233.3.0/24 172.16.0.9 eth0 77",
      ]);
      assert.equal(h.felix.status().overflows, 1);
      assert.equal(h.felix.status().repairs, 1);
    });

    test("a lost acknowledgement is looked up a second later", async () => {
      await h.start({ podCidrs: [] });
      h.kernel.faults.loseNextAcknowledgement = true;
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.equal(h.entry("10.233.2.0/24")?.state, "pending");
      h.clock.advance(1_000);
      await h.felix.settled();
      assert.equal(h.entry("10.233.2.0/24")?.state, "adopted");
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("a kernel that cannot be read for a moment is read again", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      h.kernel.faults.failNextDump = 16;
      h.kernel.mute();
      await h.other.applyRoutes([h.change("delete", "10.233.2.0/24", "192.168.1.3")], OURS);
      h.kernel.unmute();
      await h.quiet();
      assert.deepEqual(h.there(), []);
      h.clock.advance(1_000);
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });

    test("a kernel that cannot be read at start is told of", async () => {
      h.kernel.faults.failNextDump = 1;
      await assert.rejects(h.start(), NetlinkError);
    });

    test("every five minutes all is compared, whatever the events said", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      h.kernel.routes = h.kernel.routes.filter(({ protocol }) => protocol !== 77);
      h.clock.advance(300_000);
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
      assert.equal(h.felix.status().lastResync?.reason, "safety net");
      h.kernel.routes = h.kernel.routes.filter(({ protocol }) => protocol !== 77);
      h.clock.advance(300_000);
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    });
  });

  describe("the tunnel", () => {
    test("is made, brought up and given its address when a next hop is beyond a router", async () => {
      await h.router();
      h.settings.set("net/ipv4/conf/all/rp_filter", "1");
      await h.start();
      assert.equal(
        h.felix.status().tunnels.some(({ needed }) => needed),
        false,
      );
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      assert.deepEqual(h.there(), [
        "10.233.1.0/24 unreachable 77",
        "10.233.2.0/24 192.168.2.2 tunl0 77",
      ]);
      const [tunnel] = h.felix.status().tunnels;
      assert.deepEqual(tunnel, {
        ...{ device: "tunl0", kind: "ipip", needed: true, up: true, mtu: 1480 },
        ...{ addresses: ["10.233.1.0"], isSupported: true, problem: undefined },
      });
      assert.equal(h.settings.get("net/ipv4/conf/tunl0/rp_filter"), "2");
      const wanted = h.entry("10.233.2.0/24")?.wanted;
      assert.equal(wanted?.text, "via 192.168.2.2 dev tunl0 onlink");
      assert.equal(
        wanted?.nextHops[0]?.verdict.text,
        "192.168.2.2 is behind 192.168.1.1 on eth0 (route 0.0.0.0/0)",
      );
    });

    test("without ipip its routes say so, once in the log, and the others go in", async () => {
      await h.router();
      h.kernel.hasIpip = false;
      const said: string[] = [];
      const logger = { ...silentLogger, error: (_: object, text: string) => said.push(text) };
      await h.start({ podCidrs: [], logger: { ...logger, child: () => logger } });
      h.set("10.233.2.0/24", "192.168.2.2");
      h.set("10.233.4.0/24", "192.168.4.2");
      h.set("10.233.3.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      const missing = h.entry("10.233.2.0/24");
      assert.equal(missing?.state, "error");
      assert.equal(missing?.problem, "kernel has no ipip (EOPNOTSUPP: Unknown device type)");
      assert.equal(
        missing?.remedy,
        "modprobe ipip, or `tunnel: vxlan` on every node, or `encapsulation: never`",
      );
      assert.equal(h.felix.status().counts.error, 2);
      assert.deepEqual(h.modules, ["ipip"]);
      assert.deepEqual(said, ["kernel has no ipip (EOPNOTSUPP: Unknown device type)"]);
    });

    test("the module is loaded where it can be", async () => {
      await h.router();
      h.kernel.hasIpip = false;
      await h.start({
        loadKernelModule: () => {
          h.kernel.hasIpip = true;
          return Promise.resolve(true);
        },
      });
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
    });

    test("when somebody loads the module later, the routes go in", async () => {
      await h.router();
      h.kernel.hasIpip = false;
      await h.start();
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      h.kernel.hasIpip = true;
      h.kernel.addLink("tunl0", { kind: "ipip" });
      await h.quiet();
      assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
    });

    test("is for all with encapsulation always, for none with never", async () => {
      await h.router();
      await h.start({ encapsulation: "always", podCidrs: [] });
      h.set("10.233.3.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.3.0/24 192.168.1.3 tunl0 77"]);
      await h.felix.stop({ cleanup: true });
      await h.start({ encapsulation: "never", podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.2.2");
      h.set("10.233.3.0/24", "192.168.1.3");
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
      assert.match(h.entry("10.233.2.0/24")?.problem ?? "", /, and encapsulation is never$/);
      assert.equal(h.entry("10.233.2.0/24")?.state, "error");
    });

    test("somebody else's address and link are left by clean-up, ours go", async () => {
      await h.router();
      await h.start();
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      const tunl0 = [...h.kernel.links.values()].find(({ name }) => name === "tunl0");
      assert.ok(tunl0);
      h.kernel.addAddress(tunl0.ifindex, "10.50.0.0", 32);
      await h.felix.stop({ cleanup: true });
      assert.deepEqual(h.there(), []);
      const left = h.kernel.addresses.filter(({ ifindex }) => ifindex === tunl0.ifindex);
      assert.deepEqual(
        left.map(({ address }) => address),
        ["10.50.0.0"],
      );
      assert.equal(h.kernel.links.get(tunl0.ifindex)?.up, true);
    });

    test("a device of the name that is no tunnel is not touched", async () => {
      await h.router();
      h.kernel.addLink("tunl0", { kind: "veth" });
      await h.start();
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      assert.equal(h.entry("10.233.2.0/24")?.problem, "tunl0 is of type veth, not ipip");
    });
  });

  describe("next hops", () => {
    test("a route follows its next hop from tunnel to wire and back", async () => {
      await h.router();
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      h.kernel.addAddress(h.eth0, "192.168.2.7", 24);
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.2.2 eth0 77"]);
      h.kernel.removeAddress(h.eth0, "192.168.2.7");
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
    });

    test("losing the way to a next hop leaves its route as it is", async () => {
      await h.router();
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.2.2");
      await h.felix.settled();
      await h.other.applyRoutes([h.change("delete", "0.0.0.0/0", "192.168.1.1")], STATIC);
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
      assert.equal(h.entry("10.233.2.0/24")?.state, "pending");
      await h.router();
      await h.quiet();
      assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
    });

    test("a route over two next hops goes over the one that can be reached", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "172.16.0.9", "192.168.1.3");
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
      h.kernel.addAddress(h.eth0, "172.16.0.1", 24);
      await h.quiet();
      assert.equal(
        h.entry("10.233.2.0/24")?.wanted?.text,
        "nexthop via 172.16.0.9 dev eth0 weight 1 nexthop via 192.168.1.3 dev eth0 weight 1",
      );
    });

    test("a next hop inside a pod route is no way to that pod route", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.felix.settled();
      h.set("10.233.3.0/24", "10.233.2.9");
      await h.felix.settled();
      assert.equal(
        h.entry("10.233.3.0/24")?.problem,
        "10.233.2.9 is inside the pod route 10.233.2.0/24",
      );
    });
  });

  describe("local routes", () => {
    test("follow the configuration", async () => {
      await h.start();
      h.felix.pictureComplete();
      h.felix.setLocalPrefixes([prefix("10.233.8.0/24"), prefix("10.233.9.9/32")]);
      await h.felix.settled();
      assert.deepEqual(h.there(), ["10.233.8.0/24 unreachable 77"]);
      assert.equal(h.felix.status().local[1]?.reason, "a /32 is the pod's own route");
    });

    test("give way to a wider subnet of an interface, and come back", async () => {
      await h.start();
      h.felix.pictureComplete();
      h.kernel.addAddress(h.eth0, "10.233.0.1", 16);
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.0.0/16 unicast eth0 2"]);
      h.kernel.removeAddress(h.eth0, "10.233.0.1");
      await h.quiet();
      assert.deepEqual(h.there(), ["10.233.1.0/24 unreachable 77"]);
    });
  });

  describe("forwarding", () => {
    test("that is on is left", async () => {
      h.settings.set("net/ipv4/ip_forward", "1");
      await h.start();
      assert.deepEqual(h.felix.status().forwarding, {
        ...{ enabled: true, switchedOn: false, problem: undefined },
      });
    });

    test("that cannot be switched on is a problem with a remedy", async () => {
      await h.start({ sysctl: { ...h.sysctl, write: () => Promise.reject(new Error("EROFS")) } });
      const { enabled, problem } = h.felix.status().forwarding;
      assert.equal(enabled, false);
      assert.match(problem?.text ?? "", /EROFS/);
      assert.equal(problem?.remedy, "sysctl -w net.ipv4.ip_forward=1");
    });

    describe("of IPv6", () => {
      const ipv6 = { podPools: [prefix("10.233.0.0/16"), prefix("fd00::/16")] };
      const forwarding = "net/ipv6/conf/all/forwarding";
      const advertisements = "net/ipv6/conf/eth0/accept_ra";
      beforeEach(async () => {
        h.kernel.addAddress(h.eth0, "fe80::2", 64);
        h.settings.set(forwarding, "0").set(advertisements, "1");
        const hop = { gateway: "fe80::1", ifindex: h.eth0, onlink: false, weight: 1 };
        const path = { type: "unicast", hops: [hop] } as const;
        await h.other.applyRoutes([{ op: "create", prefix: prefix("::/0"), metric: 1024, path }], {
          protocol: 9,
          table: 254,
        });
      });

      test("is left alone without IPv6 pods", async () => {
        await h.start();
        assert.equal(h.felix.status().ipv6Forwarding, undefined);
        assert.deepEqual([h.settings.get(forwarding), h.settings.get(advertisements)], ["0", "1"]);
      });

      test("is switched on with them, and takes no router advertisements away", async () => {
        await h.start(ipv6);
        assert.equal(h.felix.status().ipv6Forwarding?.switchedOn, true);
        assert.deepEqual([h.settings.get(forwarding), h.settings.get(advertisements)], ["1", "2"]);
      });

      test("is switched on when the first come", async () => {
        await h.start();
        h.felix.setLocalPrefixes([prefix("fd00:1::/64")]);
        await h.quiet();
        assert.equal(h.felix.status().ipv6Forwarding?.enabled, true);
      });

      test("stays off where that would take the way out, and says so", async () => {
        const write = (key: string, value: string): Promise<void> =>
          key === advertisements ? Promise.reject(new Error("EROFS")) : h.sysctl.write(key, value);
        await h.start({ ...ipv6, sysctl: { ...h.sysctl, write } });
        assert.equal(h.settings.get(forwarding), "0");
        const { problem } = h.felix.status().ipv6Forwarding ?? {};
        assert.equal(problem?.remedy, "sysctl -w net.ipv6.conf.eth0.accept_ra=2");
      });
    });
  });

  describe("explain", () => {
    test("tells the longest wanted route, and the kernel's own answer", async () => {
      await h.router();
      await h.start();
      h.set("10.233.2.0/24", "192.168.1.3");
      h.set("10.233.2.64/26", "192.168.1.4");
      await h.felix.settled();
      const found = await h.felix.explain("10.233.2.70");
      assert.equal(found.inPodPools, true);
      assert.equal(found.entry?.prefix.text, "10.233.2.64/26");
      assert.ok(found.kernel.found);
      assert.equal(found.kernel.text, "via 192.168.1.4 dev eth0");
      const outside = await h.felix.explain("8.8.8.8");
      assert.equal(outside.entry, undefined);
      assert.deepEqual(outside.lines, [
        "no route is wanted for 8.8.8.8",
        "the kernel uses 0.0.0.0/0 via 192.168.1.1 dev eth0 proto static",
      ]);
      await assert.rejects(h.felix.explain("pod"), TypeError);
    });
  });
});
