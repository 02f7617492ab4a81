import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;

const many = Array.from({ length: 20 }, (_, index) => `10.233.${index + 100}.0/24`);
const first = { name: "first", address: "192.168.1.2", podCidrs: ["10.233.1.0/24"] };
const second = { name: "second", address: "192.168.1.3", podCidrs: many };
/** Is never there, so that nobody knows whether it would tell of these routes, too. */
const absent = { name: "absent", address: "192.168.1.4", podCidrs: ["10.233.3.0/24"] };

describe("routes that many at once are told to be gone", {
  skip,
  timeout: 120_000 * SLOWNESS,
}, () => {
  const network = new Network("mgkr");
  const directory = mkdtempSync(join(tmpdir(), "margay-kept-"));
  let here: Namespace;
  let margay: Margay;
  let other: Margay;

  const configure = (which: Margay, name: string, ofSecond: readonly string[]): void => {
    const members = [first, { ...second, podCidrs: ofSecond }, absent];
    const node = { node: { name }, tunnel: "vxlan", timers: { endOfRibWaitSeconds: 1 } };
    which.configure(node, { podPools: ["10.233.0.0/16"], members });
  };
  const there = async (): Promise<number> => {
    const lines = (await here.run(["ip", "route", "show"])).split("\n");
    return lines.filter((line) => /^10\.233\.1\d\d\.0\/24 via 192\.168\.1\.3/.test(line)).length;
  };

  before(async () => {
    const segment = await network.segment("seg");
    here = await network.namespace("first");
    await network.plug(here, "eth0", segment, `${first.address}/24`);
    const namespace = await network.namespace("second");
    await network.plug(namespace, "eth0", segment, `${second.address}/24`);
    margay = new Margay(here, join(directory, "first"));
    other = new Margay(namespace, join(directory, "second"));
    configure(margay, "first", many);
    configure(other, "second", many);
    await Promise.all([margay.startNode(), other.startNode()]);
    await until("all routes to be there", async () => (await there()) === many.length);
    await until("what nobody wants to be removed from now on", () =>
      /the picture is complete/.test(margay.log()),
    );
  });

  after(async () => {
    await margay?.kill();
    await other?.kill();
    await network.destroy();
    rmSync(directory, { recursive: true });
  });

  test("stay, and the status says so", async () => {
    configure(other, "second", many.slice(0, 1));
    other.daemon.signal("SIGHUP");
    await until("the routes to be kept", async () => (await margay.status()).fib?.frozen === 19);
    assert.equal(await there(), many.length);
    const { code, stdout } = await margay.cli("status", "--check");
    assert.equal(code, 1);
    assert.match(stdout, /19 routes that nobody wants are kept/);
  });

  test("go when a person confirms it, and the others stay", async () => {
    const { code, stdout } = await margay.cli("fib", "confirm");
    assert.equal(code, 0);
    assert.match(stdout, /^19 removed\.$/m);
    assert.equal(await there(), 1);
    assert.equal((await margay.status()).fib?.frozen, 0);
    assert.match((await margay.cli("fib", "confirm")).stdout, /^No removal waits/);
  });
});
