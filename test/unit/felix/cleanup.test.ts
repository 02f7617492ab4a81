import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type CleanUpOptions, type CleanUpResult, cleanUp } from "../../../src/felix/cleanup.ts";
import { nameProtocol } from "../../../src/felix/protocol-name.ts";
import { FelixHarness } from "../../support/felix-harness.ts";

describe("clean-up", () => {
  let h: FelixHarness;

  beforeEach(() => {
    h = new FelixHarness();
  });

  const run = (options: Partial<CleanUpOptions> = {}): Promise<CleanUpResult> =>
    cleanUp({
      ...{ netlink: h.other, sysctl: h.sysctl, protocol: 77, dryRun: false },
      ...options,
    });

  const devices = (): string[] => [...h.kernel.links.values()].map(({ name }) => name);

  test("takes what bears our mark, and leaves and names what only bears our name", async () => {
    const local = "192.168.1.2";
    const vxlan = { id: 4077, port: 4789, local, learning: false };
    h.kernel.addLink("renamed", { kind: "ipip", alias: "margay" });
    h.kernel.addLink("vxlan.margay", { kind: "vxlan", vxlan: { ...vxlan, id: 12 } });
    h.kernel.addLink("ip6tnl.margay", { kind: "ip6tnl", alias: "mine" });
    h.kernel.addLink("tunl0", { kind: "ipip", alias: "margay" });
    const { devices: deleted, left } = await run();
    assert.deepEqual(deleted, ["renamed"]);
    assert.deepEqual(devices(), ["lo", "eth0", "vxlan.margay", "ip6tnl.margay", "tunl0"]);
    assert.deepEqual(left, [
      "link vxlan.margay: it has no alias, and so may not be ours",
      "link ip6tnl.margay: its alias is mine, and so may not be ours",
    ]);
  });

  test("takes a VXLAN device that an early version made, which wrote no alias", async () => {
    const vxlan = { id: 4077, port: 4789, local: "192.168.1.2", learning: false };
    h.kernel.addLink("vxlan.margay", { kind: "vxlan", mac: "4e:77:c0:a8:01:02", vxlan });
    const { devices: deleted, left } = await run();
    assert.deepEqual([deleted, left], [["vxlan.margay"], []]);
    assert.deepEqual(devices(), ["lo", "eth0"]);
  });

  test("says what stays switched on", async () => {
    h.settings.set("net/ipv4/ip_forward", "1").set("net/ipv6/conf/all/forwarding", "0");
    h.settings.set("net/ipv6/conf/eth0/accept_ra", "2");
    const { left } = await run();
    assert.deepEqual(left, [
      "net.ipv4.ip_forward=1: others may rely on it",
      "net.ipv6.conf.eth0.accept_ra=2: others may rely on it",
    ]);
    assert.equal(h.settings.get("net/ipv4/ip_forward"), "1");
  });

  describe("of the protocol's name", () => {
    let rtProtosDirectory = "";
    beforeEach(async () => {
      rtProtosDirectory = await mkdtemp(join(tmpdir(), "margay-protos-"));
      await nameProtocol(77, rtProtosDirectory);
    });
    afterEach(() => rm(rtProtosDirectory, { recursive: true }));

    test("takes the file", async () => {
      const { files } = await run({ rtProtosDirectory });
      assert.deepEqual(files, [join(rtProtosDirectory, "margay.conf")]);
      assert.deepEqual(await readdir(rtProtosDirectory), []);
    });

    test("only says so in a dry run", async () => {
      const { files } = await run({ rtProtosDirectory, dryRun: true });
      assert.deepEqual(files, [join(rtProtosDirectory, "margay.conf")]);
      assert.deepEqual(await readdir(rtProtosDirectory), ["margay.conf"]);
    });
  });
});
