import assert from "node:assert/strict";
import { test } from "node:test";
import { formatChange } from "../../../src/config/config-change.ts";
import { diffConfig } from "../../../src/config/diff-config.ts";
import { type Files, goodCluster, goodNode, load } from "./config-files.ts";

/** What changes from the good files to these. */
function changes(t: Parameters<typeof load>[0], files: Files): string[] {
  const [before, after] = [load(t, {}), load(t, files)];
  assert.ok(before.ok && after.ok);
  // Each load has a directory of its own.
  const config = { ...after.config, cluster: before.config.cluster };
  return diffConfig(before, { config, cluster: after.cluster }).map(formatChange);
}

test("nothing changed", (t) => assert.deepEqual(changes(t, {}), []));

test("timers: some are part of the OPEN, one matters at the start only", (t) => {
  const timers =
    "timers: { holdTimeSeconds: 30, connectRetrySeconds: 2, gracefulRestartSeconds: 60, endOfRibWaitSeconds: 9 }";
  assert.deepEqual(changes(t, { node: `${goodNode}${timers}\n` }), [
    "timers.holdTimeSeconds: 90 → 30 (resets every session)",
    "timers.connectRetrySeconds: 5 → 2 (applied)",
    "timers.gracefulRestartSeconds: 120 → 60 (resets every session)",
    "timers.endOfRibWaitSeconds: 30 → 9 (from the next start on)",
  ]);
});

test("identity, sockets and kernel need a restart; the log level does not", (t) => {
  const node = `node: { name: a1, routerId: 9.9.9.9 }
cluster: { file: cluster.yaml }
listen: { address: 0.0.0.0 }
encapsulation: never
kernel: { protocol: 78 }
api: { listen: 127.0.0.1:8179 }
log: { level: debug }
mesh: { dial: higher }
`;
  assert.deepEqual(changes(t, { node }), [
    "node.routerId: 192.168.1.2 → 9.9.9.9 (needs a restart)",
    "listen.address: 192.168.1.2 → 0.0.0.0 (needs a restart)",
    "mesh.dial: both → higher (applied)",
    "encapsulation: cross-subnet → never (applied)",
    "kernel.protocol: 77 → 78 (needs a restart)",
    "log.level: info → debug (applied)",
    "api.listen.address: added 127.0.0.1 (needs a restart)",
    "api.listen.port: added 8179 (needs a restart)",
  ]);
});

test("members, reflectors, pools and peers come and go without a restart", (t) => {
  const cluster = `podPools: [10.233.0.0/16, 10.240.0.0/16]
topology: reflector
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24, 10.240.1.0/24] }
  - { name: b1, address: 192.168.2.2 }
reflectors:
  - { name: rr1, address: 192.168.1.250 }
`;
  const node = `${goodNode}peers: [{ address: 192.168.1.1, asn: 65001 }]\n`;
  assert.deepEqual(changes(t, { node, cluster }), [
    "node.podCidrs: [10.233.1.0/24] → [10.233.1.0/24, 10.240.1.0/24] (applied)",
    "peers[192.168.1.1]: added { address: 192.168.1.1, asn: 65001 } (applied)",
    "cluster.podPools: [10.233.0.0/16] → [10.233.0.0/16, 10.240.0.0/16] (applied)",
    "cluster.topology: mesh → reflector (applied)",
    "cluster.members[a1]: { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24], port: 179, asn: 64512 } → { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24, 10.240.1.0/24], port: 179, asn: 64512 } (applied)",
    "cluster.members[a2]: removed { name: a2, address: 192.168.1.3, podCidrs: [10.233.2.0/24], port: 179, asn: 64512 } (applied)",
    "cluster.members[b1]: added { name: b1, address: 192.168.2.2, podCidrs: [], port: 179, asn: 64512 } (applied)",
    "cluster.reflectors[rr1]: added { name: rr1, address: 192.168.1.250, port: 179, asn: 64512 } (applied)",
  ]);
});

test("another AS number of the whole cluster is another identity of this node", (t) => {
  const found = changes(t, { cluster: `asn: 64600\n${goodCluster}` });
  assert.equal(found[0], "node.asn: 64512 → 64600 (needs a restart)");
  assert.ok(found.includes("cluster.asn: 64512 → 64600 (applied)"));
});
