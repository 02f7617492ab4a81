import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadNodeConfig } from "../../../src/config/load.ts";
import { formatProblems } from "../../../src/config/problem.ts";
import { showConfig } from "../../../src/config/show-config.ts";
import { configDirectory, type Files, goodCluster, goodNode, load } from "./config-files.ts";

function loaded(t: Parameters<typeof load>[0], files: Files) {
  const result = load(t, files);
  assert.ok(result.ok, result.ok ? "" : formatProblems(result.errors));
  return result;
}

const texts = (prefixes: readonly { text: string }[]): string[] => prefixes.map(({ text }) => text);

test("a file that says next to nothing takes the rest from its member and the defaults", (t) => {
  const { config, cluster, warnings } = loaded(t, {});
  assert.deepEqual(warnings, []);
  const { podCidrs, ...node } = config.node;
  assert.deepEqual(node, {
    name: "a1",
    address: "192.168.1.2",
    asn: 64_512,
    routerId: "192.168.1.2",
    podCidrsFrom: "cluster",
  });
  assert.deepEqual(texts(podCidrs), ["10.233.1.0/24"]);
  assert.match(config.cluster.file, /\/cluster\.yaml$/);
  assert.deepEqual(config.listen, { address: "192.168.1.2", port: 179 });
  assert.deepEqual(config.timers, {
    holdTimeSeconds: 90,
    connectRetrySeconds: 5,
    idleHoldSeconds: 1,
    idleHoldMaximumSeconds: 60,
    gracefulRestartSeconds: 120,
    longLivedStaleSeconds: 0,
    longLivedStaleMaximumSeconds: 16_777_215,
    minRouteAdvertisementIntervalSeconds: 0,
    endOfRibWaitSeconds: 30,
  });
  assert.deepEqual(config.mesh, { dial: "both" });
  assert.equal(config.encapsulation, "cross-subnet");
  assert.deepEqual(config.kernel, {
    protocol: 77,
    table: 254,
    metric: 0,
    conflicts: "yield",
    conflictMetric: 2048,
    nextHopObjects: "never",
    maximumRemovalPercent: 30,
  });
  assert.deepEqual(config.mtu, { probe: "never", intervalSeconds: 600 });
  assert.deepEqual(config.api, { socket: "/run/margay/margay.sock" });
  assert.deepEqual(config.peers, []);
  assert.deepEqual(config.log, { level: "info" });
  assert.equal(cluster.topology, "mesh");
  assert.deepEqual(texts(cluster.podPools), ["10.233.0.0/16"]);
  assert.deepEqual(
    cluster.members.map(({ podCidrs: pods, ...member }) => ({ ...member, pods: texts(pods) })),
    [
      { name: "a1", address: "192.168.1.2", port: 179, asn: 64_512, pods: ["10.233.1.0/24"] },
      { name: "a2", address: "192.168.1.3", port: 179, asn: 64_512, pods: ["10.233.2.0/24"] },
    ],
  );
});

test("a file that says everything is taken at its word", (t) => {
  const { config } = loaded(t, {
    node: `node:
  name: a1
  address: 192.168.1.2
  asn: 64512
  routerId: 10.9.9.9
  podCidrs: [10.233.1.0/24]
cluster: { file: cluster.yaml }
listen: { address: 0.0.0.0, port: 179 }
timers: { holdTimeSeconds: 9, connectRetrySeconds: 0.5, idleHoldSeconds: 0 }
mesh: { dial: calico }
encapsulation: never
kernel: { protocol: 200, table: 100, metric: 512, conflicts: take, nextHopObjects: auto, maximumRemovalPercent: 50 }
mtu: { probe: auto, intervalSeconds: 60 }
api: { socket: /tmp/margay.sock, listen: "[::1]:8179" }
peers:
  - { address: 192.168.1.1, asn: 65001, port: 1179, passive: true, description: tor, importPrefixes: [0.0.0.0/0] }
log: { level: trace }
`,
  });
  assert.equal(config.node.routerId, "10.9.9.9");
  assert.equal(config.node.podCidrsFrom, "node");
  assert.deepEqual(config.listen, { address: "0.0.0.0", port: 179 });
  assert.equal(config.timers.connectRetrySeconds, 0.5);
  assert.deepEqual(config.kernel, {
    protocol: 200,
    table: 100,
    metric: 512,
    conflicts: "take",
    conflictMetric: 2048,
    nextHopObjects: "auto",
    maximumRemovalPercent: 50,
  });
  assert.deepEqual(config.mtu, { probe: "auto", intervalSeconds: 60 });
  assert.deepEqual(config.api.listen, { address: "::1", port: 8179 });
  const [{ importPrefixes = [], ...peer } = assert.fail("no peer")] = config.peers;
  assert.deepEqual(texts(importPrefixes), ["0.0.0.0/0"]);
  const port = 1179;
  const said = { address: "192.168.1.1", asn: 65_001, port, passive: true, description: "tor" };
  const fromTimers = { holdTimeSeconds: 9, connectRetrySeconds: 0.5, idleHoldSeconds: 0 };
  assert.partialDeepStrictEqual(peer, { ...said, ...fromTimers, client: false });
});

test("a member's own AS number and port are the node's", (t) => {
  const { config, cluster } = loaded(t, {
    cluster: `asn: 64999
podPools: [10.233.0.0/16]
topology: reflector
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24], asn: 65010, port: 1790 }
reflectors:
  - { name: rr1, address: 192.168.1.250 }
`,
  });
  assert.equal(config.node.asn, 65_010);
  assert.equal(config.listen.port, 1790);
  const rr1 = { name: "rr1", address: "192.168.1.250", port: 179, asn: 64_999 };
  assert.deepEqual(cluster.reflectors, [rr1]);
});

test("nodes can share one file: the environment tells them apart", (t) => {
  const node = "cluster: { file: cluster.yaml }\n";
  const environment = {
    MARGAY_NODE_NAME: "a2",
    MARGAY_API_SOCKET: "/tmp/a2.sock",
    MARGAY_LOG_LEVEL: "debug",
    MARGAY_NODE_ADDRESS: "",
  };
  const { config } = loaded(t, { node, environment });
  assert.equal(config.node.name, "a2");
  assert.equal(config.node.address, "192.168.1.3");
  assert.equal(config.api.socket, "/tmp/a2.sock");
  assert.equal(config.log.level, "debug");
});

test("the host name is the default of the node's name", (t) => {
  const cluster = goodCluster.replace("name: a1", "name: host");
  const { config } = loaded(t, { node: "cluster: { file: cluster.yaml }\n", cluster });
  assert.equal(config.node.name, "host");
});

test("an absolute path of the cluster file is taken as it is", (t) => {
  const directory = configDirectory(t, { "elsewhere.yaml": goodCluster });
  const file = join(directory, "elsewhere.yaml");
  const { config } = loaded(t, { node: `node: { name: a1 }\ncluster: { file: ${file} }\n` });
  assert.equal(config.cluster.file, file);
});

test("aliases are followed, to their values and to their places", (t) => {
  const cluster = `podPools: &pools [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: *pools }
`;
  const { config } = loaded(t, { cluster });
  assert.deepEqual(texts(config.node.podCidrs), ["10.233.0.0/16"]);
});

test("what cannot be read says why", (t) => {
  const directory = configDirectory(t, { "node.yaml": goodNode });
  const messageOf = (name: string): string => {
    const result = loadNodeConfig(join(directory, name), { environment: {} });
    assert.ok(!result.ok);
    return result.errors.map(({ path, message }) => `${path}: ${message}`).join();
  };
  assert.equal(messageOf("none.yaml"), ": cannot be read: there is no such file");
  mkdirSync(join(directory, "dir.yaml"));
  assert.equal(messageOf("dir.yaml"), ": cannot be read: it is a directory: give a file");
  writeFileSync(join(directory, "latin.yaml"), Buffer.from("node: { name: é }", "latin1"));
  assert.equal(messageOf("latin.yaml"), ": cannot be read: it is not UTF-8 text");
  if (process.getuid?.() !== 0) {
    chmodSync(join(directory, "node.yaml"), 0);
    assert.equal(messageOf("node.yaml"), ": cannot be read: this user may not read it");
  }
});

test("an alias bomb is refused", (t) => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const before =
      level === 0
        ? "x"
        : Array(9)
            .fill(`*l${level - 1}`)
            .join(", ");
    return `l${level}: &l${level} [${before}]`;
  });
  const result = load(t, { node: `${levels.join("\n")}\n` });
  assert.ok(!result.ok);
  assert.match(formatProblems(result.errors), /node\.yaml:1:1: .*alias/i);
});

test("what is shown means the same when it is loaded again", (t) => {
  const first = loaded(t, {
    node: `${goodNode}peers: [{ address: 192.168.1.1, asn: 65001, importPrefixes: [10.0.0.0/8] }]
api: { listen: "[::1]:8179" }
`,
  });
  const shown = showConfig(first.config);
  assert.match(shown, /# follows the cluster file\n/);
  const second = loaded(t, { node: shown });
  assert.deepEqual(
    { ...second.config, node: { ...second.config.node, podCidrsFrom: "cluster" } },
    first.config,
  );
});

test("pod CIDRs from an interface are the agent's to find", (t) => {
  const node = `node: { name: a1, podCidrsInterface: cni0 }
cluster: { file: cluster.yaml }
`;
  const { config } = loaded(t, { node });
  assert.deepEqual(config.node.podCidrs, []);
  assert.equal(config.node.podCidrsFrom, "interface");
  const shown = showConfig(config);
  assert.match(shown, /^ {2}podCidrsInterface: cni0$/m);
  assert.doesNotMatch(shown, /podCidrs:/);
  assert.deepEqual(loaded(t, { node: shown }).config, config);
});
