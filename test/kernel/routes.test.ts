import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FelixProcess } from "./support/felix-process.ts";
import { Network, whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;

describe("routes on the same segment", { skip }, () => {
  const network = new Network("routes");
  let node = "";
  let felix: FelixProcess;

  before(async () => {
    node = await network.namespace("a");
    const other = await network.namespace("b");
    await network.wire(
      { namespace: node, device: "eth0", address: "192.168.1.2/24" },
      { namespace: other, device: "eth0", address: "192.168.1.3/24" },
    );
    felix = new FelixProcess(node, { nodeAddress: "192.168.1.2", podCidrs: ["10.233.1.0/24"] });
    await felix.call("start");
    await felix.call("settled");
  });

  after(async () => {
    await felix?.kill();
    network.close();
  });

  test("go in as ip route shows them", async () => {
    await felix.setRoute("10.233.2.0/24", "192.168.1.3");
    assert.deepEqual(await network.routes(node, "10.233.2.0/24"), [
      "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
    ]);
  });

  test("the own pod CIDR answers unreachable, at the worst metric", async () => {
    assert.deepEqual(await network.routes(node, "10.233.1.0/24"), [
      "unreachable 10.233.1.0/24 proto margay metric 4278198272",
    ]);
  });

  test("forwarding is on", async () => {
    assert.equal((await network.exec(node, "cat", "/proc/sys/net/ipv4/ip_forward")).trim(), "1");
  });
});
