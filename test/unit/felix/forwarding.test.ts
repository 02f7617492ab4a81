import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { FelixOptions } from "../../../src/felix/options.ts";
import { type Logger, silentLogger } from "../../../src/platform/logger.ts";
import { FelixHarness, prefix, turn } from "../../support/felix-harness.ts";

const ALL = "net/ipv4/ip_forward";
const IPV6 = "net/ipv6/conf/all/forwarding";

let h: FelixHarness;
/** What was said as a warning or an error. */
let said: string[];

beforeEach(() => {
  h = new FelixHarness();
  said = [];
});

afterEach(() => h.stop());

async function start(options: Partial<FelixOptions> = {}): Promise<void> {
  const say = (_: object, text: string): void => {
    said.push(text);
  };
  const logger: Logger = { ...silentLogger, warn: say, error: say, child: () => logger };
  await h.start({ podCidrs: [], logger, ...options });
}

const status = () => h.felix.status();

describe("forwarding that somebody switches off", () => {
  test("is switched on again, counted and told of", async () => {
    await start();
    h.write(ALL, "0");
    await h.quiet();
    assert.equal(h.settings.get(ALL), "1");
    assert.equal(status().repairs, 1);
    assert.equal(status().forwarding.enabled, true);
    assert.deepEqual(said, ["switched on IPv4 forwarding, which someone had switched off"]);
  });

  test("is switched on again though no event told of it", async () => {
    await start();
    h.settings.set(ALL, "0");
    h.clock.advance(300_000);
    await h.quiet();
    assert.equal(h.settings.get(ALL), "1");
    assert.equal(status().repairs, 1);
  });

  test("of IPv6 likewise, and takes no router advertisements away", async () => {
    await start({ podPools: [prefix("fd00::/16")] });
    h.kernel.addAddress(h.eth0, "fe80::2", 64);
    const hop = { gateway: "fe80::1", ifindex: h.eth0, onlink: false, weight: 1 };
    const path = { type: "unicast", hops: [hop] } as const;
    const change = { op: "create", prefix: prefix("::/0"), metric: 1024, path } as const;
    await h.other.applyRoutes([change], { protocol: 9, table: 254 });
    h.settings.set("net/ipv6/conf/eth0/accept_ra", "1");
    h.write(IPV6, "0");
    await h.quiet();
    assert.equal(h.settings.get(IPV6), "1");
    assert.equal(h.settings.get("net/ipv6/conf/eth0/accept_ra"), "2");
    assert.equal(status().repairs, 1);
  });

  test("stays off where it cannot be put back, and the status says so", async () => {
    let isWritable = true;
    const write = (key: string, value: string): Promise<void> =>
      isWritable ? h.sysctl.write(key, value) : Promise.reject(new Error("EROFS"));
    await start({ sysctl: { ...h.sysctl, write } });
    isWritable = false;
    h.write(ALL, "0");
    await h.quiet();
    const { enabled, problem } = status().forwarding;
    assert.equal(enabled, false);
    assert.match(problem?.text ?? "", /^IPv4 forwarding is off and cannot be switched on: EROFS/);
    assert.equal(said.length, 1);
    // Somebody else mends it.
    h.write(ALL, "1");
    await h.quiet();
    assert.equal(status().forwarding.enabled, true);
    assert.equal(status().forwarding.problem, undefined);
    assert.equal(status().repairs, 0);
  });

  test("again and again is left so for a while, and then switched on again", async () => {
    await start();
    const fighter = h.kernel.open();
    fighter.onEvent((event) => {
      if (event.kind === "setting" && event.forwarding === true) h.write(ALL, "0");
    });
    h.write(ALL, "0");
    for (let turns = 0; turns < 200; turns++) await turn();
    assert.equal(h.settings.get(ALL), "0");
    assert.equal(status().repairs, 20);
    assert.equal(status().forwarding.enabled, false);
    assert.match(status().forwarding.problem?.text ?? "", /keeps changing IPv4 forwarding/);
    fighter.close();
    h.clock.advance(10_000);
    await h.quiet();
    assert.equal(h.settings.get(ALL), "1");
    assert.equal(status().forwarding.enabled, true);
    assert.equal(status().forwarding.problem, undefined);
  });
});

describe("forwarding of a single link", () => {
  const keyOf = (device: string): string => `net/ipv4/conf/${device}/forwarding`;

  /** Routes lead through eth0, a pod is behind cali1, and eth1 is nobody's. */
  async function threeLinks(): Promise<void> {
    const cali1 = h.kernel.addLink("cali1", { up: true }).ifindex;
    h.kernel.addLink("eth1", { up: true });
    for (const device of ["eth0", "eth1", "cali1"]) h.settings.set(keyOf(device), "0");
    await start({ podCidrs: [prefix("10.233.1.0/24")] });
    h.set("10.233.2.0/24", "192.168.1.3");
    const hop = { gateway: undefined, ifindex: cali1, onlink: false, weight: 1 };
    const path = { type: "unicast", hops: [hop] } as const;
    const pod = { op: "create", prefix: prefix("10.233.1.7/32"), metric: 0, path } as const;
    await h.other.applyRoutes([pod], { protocol: 3, table: 254 });
    await h.quiet();
  }

  test("that packets of pods come in by is switched on again, that of others is left", async () => {
    await threeLinks();
    assert.equal(status().repairs, 0);
    for (const device of ["eth0", "eth1", "cali1"]) h.write(keyOf(device), "0");
    await h.quiet();
    assert.equal(h.settings.get(keyOf("eth0")), "1");
    assert.equal(h.settings.get(keyOf("cali1")), "1");
    assert.equal(h.settings.get(keyOf("eth1")), "0");
    assert.equal(status().repairs, 2);
  });

  test("comes back with that of all, as one repair", async () => {
    await threeLinks();
    h.write(ALL, "0");
    assert.equal(h.settings.get(keyOf("eth0")), "0");
    await h.quiet();
    assert.equal(h.settings.get(keyOf("eth0")), "1");
    assert.equal(status().repairs, 1);
  });

  test("is switched on where routes come to lead through it", async () => {
    await threeLinks();
    const eth1 = [...h.kernel.links.values()].find(({ name }) => name === "eth1");
    assert.ok(eth1);
    h.write(keyOf("eth1"), "0");
    h.kernel.addAddress(eth1.ifindex, "172.16.0.2", 24);
    h.set("10.233.3.0/24", "172.16.0.3");
    await h.quiet();
    assert.equal(h.settings.get(keyOf("eth1")), "1");
    assert.equal(status().repairs, 0);
  });

  test("that stays off makes the status say so", async () => {
    let isWritable = true;
    const write = (key: string, value: string): Promise<void> =>
      isWritable ? h.sysctl.write(key, value) : Promise.reject(new Error("EROFS"));
    h.settings.set(keyOf("eth0"), "1");
    await start({ sysctl: { ...h.sysctl, write } });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    isWritable = false;
    h.write(keyOf("eth0"), "0");
    await h.quiet();
    const { enabled, problem } = status().forwarding;
    assert.equal(enabled, false);
    assert.equal(problem?.remedy, "sysctl -w net.ipv4.conf.eth0.forwarding=1");
  });
});
