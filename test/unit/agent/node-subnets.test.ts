import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeSubnets } from "../../../src/agent/pool-policies.ts";
import type { ClusterModel } from "../../../src/cluster/model/cluster-model.ts";
import { prefix } from "../../support/felix-harness.ts";

const member = { podCidrs: [], asn: 64_512, port: 179 };

test("the subnets of members go by the address of the same IP version", () => {
  const cluster: ClusterModel = {
    ...{ asn: 64_512, podPools: [], topology: "mesh", reflectors: [] },
    members: [
      { ...member, name: "a1", address: "192.168.1.2", subnet: prefix("192.168.1.0/24") },
      {
        ...{ ...member, name: "a2", address: "192.168.1.3", address6: "2001:db8::3" },
        ...{ subnet: prefix("192.168.1.0/25"), subnet6: prefix("2001:db8::/64") },
      },
      { ...member, name: "a3", address: "192.168.1.4", subnet6: prefix("2001:db8::/64") },
    ],
  };
  assert.deepEqual(
    [...nodeSubnets(cluster)].map(([address, { text }]) => `${address} ${text}`),
    ["192.168.1.2 192.168.1.0/24", "192.168.1.3 192.168.1.0/25", "2001:db8::3 2001:db8::/64"],
  );
});
