import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { until } from "../support/until.ts";
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

  const repairs = [
    ["neighbour", "neigh del 192.168.2.2 dev vxlan.margay"],
    ["address", "addr del 10.233.1.0/32 dev vxlan.margay"],
    ["link", "link set vxlan.margay down"],
    ["device", "link del vxlan.margay"],
  ] as const;
  for (const [what, words] of repairs) {
    test(`a ${what} that somebody takes away is put back, and pods reach each other`, async () => {
      await nearIp(words);
      await until(`the ${what} is back`, async () => {
        const neighbours = await nearIp("neigh show dev vxlan.margay").catch(() => "");
        const addresses = await nearIp("addr show vxlan.margay").catch(() => "");
        const isThere = neighbours.includes("PERMANENT") && addresses.includes("10.233.1.0/32");
        return isThere && (await route())[0] === TUNNELLED;
      });
      await lab.ping(lab.near, lab.far);
    });
  }

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

  test("clean-up leaves nothing", async () => {
    await near.stop(true);
    assert.deepEqual(await route(), []);
    await assert.rejects(nearIp("link show vxlan.margay"));
  });
});
