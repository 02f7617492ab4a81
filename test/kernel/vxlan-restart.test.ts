import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { GuardedSegments, wholeFirewall } from "./support/guarded-segments.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;

describe("a programmer that was killed", { skip, timeout: 120_000 * slowness }, () => {
  const lab = new GuardedSegments("vr");
  // Of the other nodes it knows by its routes alone.
  const firewall = { ...wholeFirewall, nodes: ["192.168.1.2"] };
  const far = ["192.168.2.2", "192.168.2.3", "192.168.2.4"];
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.guarded(firewall);
    for (const [index, node] of far.entries()) {
      await near.setRoute(`10.233.${index === 0 ? 2 : index + 4}.0/24`, node);
    }
    const other = await lab.felix(lab.far, { tunnel: "vxlan" });
    await other.setRoute("10.233.1.0/24", "192.168.1.2");
    await lab.ping(lab.near, lab.far);
    await near.kill();
    near = await lab.guarded(firewall);
  });

  after(() => lab.close());

  /** Nodes that the VXLAN device knows, and that may send to it. */
  async function known(): Promise<{ readonly behind: string[]; readonly guard: string[] }> {
    const { namespace } = lab.near;
    const fdb = await lab.network.exec(namespace, "bridge", "fdb", "show", "dev", "vxlan.margay");
    const table = await lab.table();
    return {
      behind: [...fdb.matchAll(/dst (\S+)/g)].map(([, address]) => String(address)).sort(),
      guard: far.filter((address) => table.includes(address)),
    };
  }

  test("leaves all nodes known, from the start and when the first route is back", async () => {
    assert.deepEqual(await known(), { behind: far, guard: far });
    await lab.ping(lab.near, lab.far);
    await lab.ping(lab.far, lab.near);
    await near.setRoute("10.233.6.0/24", "192.168.2.4");
    assert.deepEqual(await known(), { behind: far, guard: far });
    await lab.ping(lab.near, lab.far);
    await lab.ping(lab.far, lab.near);
  });

  test("forgets with the picture complete whom no route came back to", async () => {
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    await near.call("pictureComplete");
    await near.call("settled");
    const left = ["192.168.2.2", "192.168.2.4"];
    assert.deepEqual(await known(), { behind: left, guard: left });
    await lab.ping(lab.near, lab.far);
  });
});
