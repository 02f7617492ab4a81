import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess, PlainFirewall } from "./support/felix-process.ts";
import { skipWithoutIpip } from "./support/ipip.ts";
import { slowness } from "./support/network.ts";
import { TwoSegments } from "./support/two-segments.ts";

const skip = skipWithoutIpip();
const PING = ["-c", "1", "-W", "5"] as const;
const guard: PlainFirewall = {
  settings: { masquerade: "never", guard: "auto", forward: "accept" },
  ...{ podPools: ["10.233.0.0/16"], natOutgoing: [], nodes: ["192.168.1.2", "192.168.2.2"] },
};

describe("routes through tunl0", { skip, timeout: 120_000 * slowness }, () => {
  const lab = new TwoSegments("ipip");
  let near: FelixProcess;
  let far: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.felix(lab.near, { firewall: guard });
    far = await lab.felix(lab.far);
  });

  after(() => lab.close());

  const nearIp = (words: string): Promise<string> => lab.network.ip(lab.near.namespace, words);
  const nearRoutes = (words: string): Promise<string[]> =>
    lab.network.routes(lab.near.namespace, words);
  const TUNNELLED = "10.233.2.0/24 via 192.168.2.2 dev tunl0 proto margay onlink";

  test("beyond a router it is the tunnel, beside us the wire", async () => {
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    await near.setRoute("10.233.3.0/24", "192.168.1.3");
    assert.deepEqual(await nearRoutes("10.233.2.0/24"), [TUNNELLED]);
    assert.deepEqual(await nearRoutes("10.233.3.0/24"), [
      "10.233.3.0/24 via 192.168.1.3 dev eth0 proto margay",
    ]);
  });

  test("tunl0 is up, 20 octets smaller than the underlay, with the first address of the pod CIDR", async () => {
    const shown = await nearIp("addr show tunl0");
    assert.match(shown, /<[^>]*\bUP\b/);
    assert.match(shown, /\bmtu 1480\b/);
    assert.match(shown, /\binet 10\.233\.1\.0\/32\b/);
    const [tunnel] = (await near.status()).tunnels;
    assert.equal(tunnel?.up, true);
    assert.equal(tunnel.mtu, 1480);
    assert.deepEqual(tunnel.addresses, ["10.233.1.0"]);
    assert.equal(tunnel.isSupported, true);
  });

  test("pods on two segments reach each other, and so do nodes and pods", async () => {
    await far.setRoute("10.233.1.0/24", "192.168.1.2");
    const { frames } = await lab.sniff("ip proto 4 and src 192.168.1.2", 1);
    await lab.ping(lab.near, lab.far);
    assert.match(
      await frames,
      /proto IPIP \(4\)[^]*192\.168\.1\.2 > 192\.168\.2\.2: [^]*10\.233\.1\.3 > 10\.233\.2\.3: ICMP echo request/,
    );
    await lab.ping(lab.far, lab.near);
    await lab.network.exec(lab.near.namespace, "ping", ...PING, lab.far.podAddress);
  });

  test("packets of strangers come out of no tunnel, those of nodes do", async () => {
    const stranger = lab.router;
    const ping = (seconds: string): Promise<string> =>
      lab.network.exec(stranger, "ping", "-c", "1", "-W", seconds, lab.near.podAddress);
    const dropped = async (): Promise<number> => {
      const words = ["list", "chain", "inet", "margay", "guard"];
      const chain = await lab.network.exec(lab.near.namespace, "nft", ...words);
      return Number(/@nodes4 counter packets (\d+)/.exec(chain)?.[1]);
    };
    await lab.network.batch(stranger, [
      "link add spoof type ipip local 192.168.1.1 remote 192.168.1.2",
      "link set spoof up",
      `route add ${lab.near.podAddress} dev spoof src 192.168.1.1`,
    ]);
    assert.equal(await dropped(), 0);
    await assert.rejects(ping("1"));
    assert.equal(await dropped(), 1);
    await near.call("setFirewall", { ...guard, nodes: [...guard.nodes, "192.168.1.1"] });
    await near.call("settled");
    await ping("5");
    await lab.network.ip(stranger, "link del spoof");
  });

  test("an address that no pod has answers unreachable", async () => {
    await assert.rejects(
      lab.network.exec(lab.near.pod, "ping", ...PING, "10.233.2.99"),
      (error: { stdout?: string }) => /Destination Host Unreachable/.test(error.stdout ?? ""),
    );
  });

  test("explain says why it is the tunnel", async () => {
    const { lines } = await near.call<{ lines: string[] }>("explain", "10.233.2.3");
    assert.deepEqual(lines, [
      "10.233.2.0/24 is wanted via 192.168.2.2 dev tunl0 onlink: installed",
      "MTU 1480: tunl0 sends no more",
      "next hop 192.168.2.2: 192.168.2.2 is behind 192.168.1.1 on eth0 (route 0.0.0.0/0): tunnel",
      "the kernel uses 10.233.2.0/24 via 192.168.2.2 dev tunl0 proto margay onlink",
    ]);
  });

  for (const damage of [
    "route del 10.233.2.0/24",
    "route replace 10.233.2.0/24 via 192.168.1.3 dev eth0 proto 77",
  ]) {
    test(`is repaired within 200 ms after ip ${damage}`, async () => {
      const repaired = near
        .nextEvent(({ kind }) => kind === "repaired")
        .then(() => performance.now());
      await nearIp(damage);
      const doneMs = performance.now();
      assert.ok((await repaired) - doneMs < 200 * slowness);
      assert.deepEqual(await nearRoutes("10.233.2.0/24"), [TUNNELLED]);
      await lab.ping(lab.near, lab.far);
    });
  }

  test("tunl0 is brought up again, with its address and routes", async () => {
    const back = near.nextEvent(
      ({ kind, prefix }) => prefix === "10.233.2.0/24" && kind !== "error",
    );
    await nearIp("link set tunl0 down");
    await back;
    await near.call("settled");
    assert.deepEqual(await nearRoutes("10.233.2.0/24"), [TUNNELLED]);
    await lab.ping(lab.near, lab.far);
  });

  test("a lost address of tunl0 comes back", async () => {
    const resync = near.nextEvent(({ kind }) => kind === "resync");
    await nearIp("addr del 10.233.1.0/32 dev tunl0");
    await resync;
    await near.call("settled");
    assert.match(await nearIp("addr show tunl0"), /\binet 10\.233\.1\.0\/32\b/);
  });

  test("tunl0's MTU follows the underlay's", async () => {
    await nearIp("link set eth0 mtu 1400");
    // A change beside it that is told of: by then the MTU's is done too.
    const beside = near.nextEvent(({ kind }) => kind === "repaired");
    await nearIp("route del 10.233.2.0/24");
    await beside;
    await near.call("settled");
    assert.match(await nearIp("link show tunl0"), /\bmtu 1380\b/);
  });

  test("another pod CIDR moves tunl0's address", async () => {
    await near.call("setLocalPrefixes", "10.233.9.0/24");
    await near.call("settled");
    const shown = await nearIp("addr show tunl0");
    assert.match(shown, /\binet 10\.233\.9\.0\/32\b/);
    assert.doesNotMatch(shown, /10\.233\.1\.0/);
    await near.call("setLocalPrefixes", "10.233.1.0/24");
    await near.call("settled");
  });

  test("a route straight to the far segment takes the tunnel away, and back", async () => {
    const direct = near.nextEvent(({ kind }) => kind === "installed");
    await nearIp("addr add 192.168.2.200/24 dev eth0");
    await direct;
    assert.deepEqual(await nearRoutes("10.233.2.0/24"), [
      "10.233.2.0/24 via 192.168.2.2 dev eth0 proto margay",
    ]);
    const back = near.nextEvent(
      ({ kind, text }) => kind !== "resync" && String(text).includes("tunl0"),
    );
    await nearIp("addr del 192.168.2.200/24 dev eth0");
    await back;
    await near.call("settled");
    assert.deepEqual(await nearRoutes("10.233.2.0/24"), [TUNNELLED]);
  });

  test("kill -9 loses no packet's way; the next life adopts the tunnel's route", async () => {
    await near.kill();
    await lab.ping(lab.near, lab.far);
    near = await lab.felix(lab.near);
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    assert.equal((await near.route("10.233.2.0/24"))?.["state"], "adopted");
    await lab.ping(lab.near, lab.far);
  });

  test("where one tunnels what the other sends straight, a strict reverse path filter is loosened", async () => {
    const strict = "net.ipv4.conf.all.rp_filter=1";
    await lab.network.exec(lab.beside.namespace, "sysctl", "-qw", strict);
    const beside = await lab.felix(lab.beside);
    await beside.setRoute("10.233.2.0/24", "192.168.2.2");
    await beside.setRoute("10.233.1.0/24", "192.168.1.2");
    const key = "/proc/sys/net/ipv4/conf/tunl0/rp_filter";
    assert.equal((await lab.network.exec(lab.beside.namespace, "cat", key)).trim(), "2");

    await near.stop();
    near = await lab.felix(lab.near, { encapsulation: "always" });
    await near.setRoute("10.233.3.0/24", "192.168.1.3");
    assert.deepEqual(await nearRoutes("10.233.3.0/24"), [
      "10.233.3.0/24 via 192.168.1.3 dev tunl0 proto margay onlink",
    ]);
    assert.deepEqual(await lab.network.routes(lab.beside.namespace, "10.233.1.0/24"), [
      "10.233.1.0/24 via 192.168.1.2 dev eth0 proto margay",
    ]);
    await lab.ping(lab.near, lab.beside);
  });

  test("clean-up takes routes, address and link, and nothing of others", async () => {
    await nearIp("route add 10.77.0.0/24 via 192.168.1.3 proto static");
    await near.stop(true);
    assert.deepEqual(
      (await nearRoutes("table all")).filter((line) => line.includes("margay")),
      [],
    );
    const shown = await nearIp("addr show tunl0");
    assert.doesNotMatch(shown, /\binet /);
    assert.doesNotMatch(shown, /<[^>]*\bUP\b/);
    assert.equal((await nearRoutes("10.77.0.0/24")).length, 1);
    assert.equal((await nearRoutes("10.233.1.3")).length, 1);
  });
});
