import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;

describe("pods of this node", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;
  /** As CNI plugins make them: a host route to a veth, and a bridge with a part of the CIDR. */
  let theirs: string[];

  before(async () => {
    segment = await Segment.build("local");
    await segment.ip("link add cali5863f3 type veth peer name pod0");
    await segment.ip("link set cali5863f3 up");
    await segment.ip("link set pod0 up");
    await segment.ip("route add 10.233.1.3 dev cali5863f3 scope link");
    await segment.ip("link add cni0 type bridge");
    await segment.ip("addr add 10.233.1.65/26 dev cni0");
    await segment.ip("link set cni0 up");
    theirs = await pods();
    assert.equal(theirs.length, 2);
    felix = await segment.felix();
    await felix.call("pictureComplete");
    await felix.call("settled");
  });

  after(() => segment?.close());

  const pods = async (): Promise<string[]> =>
    (await segment.routes("root 10.233.1.0/24")).filter((line) => !line.startsWith("unreachable"));

  const explain = async (address: string): Promise<string[]> =>
    (await felix.call<{ lines: string[] }>("explain", address)).lines;

  test("keep their routes", async () => {
    assert.deepEqual(await pods(), theirs);
    await segment.ip("route add 10.233.1.4 dev cali5863f3 scope link proto boot");
    await segment.ip("route del 10.233.1.4");
    await felix.call("settled");
    assert.deepEqual(await pods(), theirs);
    assert.equal((await felix.status()).counts.conflict, 0);
  });

  test("are known to explain, by veth or bridge", async () => {
    assert.equal(
      (await explain("10.233.1.3")).at(-1),
      "the kernel uses 10.233.1.3/32 dev cali5863f3 proto boot: a pod of this node",
    );
    assert.match(
      (await explain("10.233.1.70")).at(-1) ?? "",
      /^the kernel uses 10\.233\.1\.64\/26 dev cni0 proto kernel .*: a pod of this node$/,
    );
  });

  test("that are not there are told from those that are", async () => {
    assert.equal(
      (await explain("10.233.1.9")).at(-1),
      "the kernel has no way: EHOSTUNREACH: no route to host",
    );
  });

  test("keep their routes when ours are cleaned up", async () => {
    await felix.stop();
    const program = fileURLToPath(new URL("./cleanup-runner.ts", import.meta.url));
    await segment.network.exec(segment.node, process.execPath, program, "false");
    assert.deepEqual(await segment.routes("root 10.233.1.0/24"), theirs);
  });
});
