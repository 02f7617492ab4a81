import assert from "node:assert/strict";
import { test } from "node:test";
import { type Files, problemsOf } from "./config-files.ts";

/** A file, and all that is said of it. */
const cases: Record<string, Files & { says: string[] }> = {
  "unknown key, misspelt": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
timers:
  holdTime: 30
`,
    says: [
      'node.yaml:4:3: timers.holdTime: unknown key "holdTime": did you mean "holdTimeSeconds"?',
    ],
  },
  "unknown key, in the wrong place": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
holdTimeSeconds: 30
`,
    says: [
      'node.yaml:3:1: holdTimeSeconds: unknown key "holdTimeSeconds": it belongs at timers.holdTimeSeconds or peers[].holdTimeSeconds or ranges[].holdTimeSeconds',
    ],
  },
  "pod CIDRs twice": {
    node: `node: { name: a1, podCidrs: [10.233.1.0/24], podCidrsInterface: cni0 }
cluster: { file: cluster.yaml }
`,
    says: [
      "node.yaml:1:65: node.podCidrsInterface: podCidrs are given, too, at node.yaml:1:29: leave one of the two out",
    ],
  },
  "a metric beside others that is that of all our routes": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
kernel: { conflicts: own-metric, metric: 50, conflictMetric: 50 }
`,
    says: [
      "node.yaml:3:62: kernel.conflictMetric: 50 is the metric of all our routes: give another, such as 2048",
    ],
  },
  "a metric beside others that is that of IPv6 routes without one": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
kernel: { conflicts: own-metric, conflictMetric: 1024 }
`,
    says: [
      "node.yaml:3:50: kernel.conflictMetric: 1024 is the metric of all our IPv6 routes: give another, such as 2048",
    ],
  },
  "both processes of a node serving metrics in one place": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
metrics: { listen: "127.0.0.1:9479" }
felix: { metrics: { listen: "127.0.0.1:9479" } }
`,
    says: [
      "node.yaml:4:29: felix.metrics.listen: the speaker's metrics are there, too, at node.yaml:3:20: give another port",
    ],
  },
  "unknown key, unlike any": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
log: { colour: red }
`,
    says: ['node.yaml:3:8: log.colour: unknown key "colour": known here are level'],
  },
  "a misspelt key that is required is one mistake": {
    cluster: `podPool: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2 }
`,
    says: [
      'cluster.yaml:1:1: podPool: unknown key "podPool": did you mean "podPools"?',
      "node.yaml:1:7: warning: node: a1 has no pod CIDR, so it announces nothing: give its member podCidrs",
    ],
  },
  "host bits set": {
    cluster: `podPools: [10.233.0.0/16]
members:
  - name: a1
    address: 192.168.1.2
    podCidrs:
      - 10.233.1.5/24
`,
    says: [
      "cluster.yaml:6:9: members[0].podCidrs[0]: 10.233.1.5/24 has host bits set: write 10.233.1.0/24",
    ],
  },
  "host bits set in a pool": {
    cluster: `podPools: [10.233.7.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
`,
    says: ["cluster.yaml:1:12: podPools[0]: 10.233.7.0/16 has host bits set: write 10.233.0.0/16"],
  },
  "overlapping pod CIDRs of two members": {
    cluster: `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 192.168.1.3, podCidrs: [10.233.0.0/23] }
`,
    says: [
      "cluster.yaml:4:50: members[1].podCidrs[0]: 10.233.0.0/23 overlaps 10.233.1.0/24 of a1 at cluster.yaml:3:50: give a2 a range that nobody else has",
    ],
  },
  "the same pod CIDR twice": {
    cluster: `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24, 10.233.1.0/24] }
  - { name: a2, address: 192.168.1.3, podCidrs: [10.233.1.0/24] }
`,
    says: [
      "cluster.yaml:3:65: members[0].podCidrs[1]: 10.233.1.0/24 is already a pod CIDR of the same node at cluster.yaml:3:50: remove one of the two",
      "cluster.yaml:4:50: members[1].podCidrs[0]: 10.233.1.0/24 is already a pod CIDR of a1 at cluster.yaml:3:65: give a2 a range that nobody else has",
    ],
  },
  "pod CIDR outside every pool": {
    cluster: `podPools: [10.233.0.0/16, 10.240.0.0/20]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.234.1.0/24] }
`,
    says: [
      "cluster.yaml:3:50: members[0].podCidrs[0]: 10.234.1.0/24 is outside every pod pool: 10.233.0.0/16 (10.233.0.0 to 10.233.255.255), 10.240.0.0/20 (10.240.0.0 to 10.240.15.255): give a range inside, or add one to podPools",
    ],
  },
  "the same address and the same name twice": {
    cluster: `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 192.168.1.2, podCidrs: [10.233.2.0/24] }
reflectors:
  - { name: a2, address: 192.168.1.9 }
`,
    says: [
      "cluster.yaml:4:26: members[1].address: 192.168.1.2 is already the address of a1 at cluster.yaml:3:26: each needs its own",
      "cluster.yaml:6:3: warning: reflectors: not used in a mesh: write `topology: reflector`, or remove them",
      "cluster.yaml:6:13: reflectors[0].name: a2 is already the name at cluster.yaml:4:13: each needs its own",
    ],
  },
  "impossible timers": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
timers:
  holdTimeSeconds: 2
  connectRetrySeconds: 0
  idleHoldSeconds: 5
  idleHoldMaximumSeconds: 4
  gracefulRestartSeconds: 4096
  endOfRibWaitSeconds: "30"
`,
    says: [
      "node.yaml:4:20: timers.holdTimeSeconds: 2 is not a possible hold time: give 0 (never expires) or 3 and more (RFC 4271 §4.2)",
      "node.yaml:5:24: timers.connectRetrySeconds: 0 is not possible: give a number of seconds, 0.1 to 3600",
      "node.yaml:7:27: timers.idleHoldMaximumSeconds: 4 is less than idleHoldSeconds, 5, which it bounds: give at least 5",
      "node.yaml:8:27: timers.gracefulRestartSeconds: 4096 is not possible: give a number of seconds, 0 to 4095",
      'node.yaml:9:24: timers.endOfRibWaitSeconds: "30" is text: write 30 without quotes',
    ],
  },
  "doubtful timers": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
timers: { holdTimeSeconds: 0, connectRetrySeconds: 60 }
`,
    says: [
      "node.yaml:3:9: warning: timers.endOfRibWaitSeconds: after 30 s routes found in the kernel are removed, before peers are dialled a second time: give more than connectRetrySeconds, 60",
      "node.yaml:3:28: warning: timers.holdTimeSeconds: with 0 a peer that died silently is never noticed: give 3 or more",
    ],
  },
  "not a member": {
    node: `node: { name: b1, address: 192.168.2.2 }
cluster: { file: cluster.yaml }
`,
    says: [
      'node.yaml:1:15: node.name: "b1" is not a member of the cluster: add `- { name: b1, address: 192.168.2.2, podCidrs: [CIDR] }` to the members at cluster.yaml:3:3',
    ],
  },
  "not a member, but the address is a member's": {
    node: `node: { name: b1, address: 192.168.1.3 }
cluster: { file: cluster.yaml }
`,
    says: [
      'node.yaml:1:15: node.name: "b1" is not a member of the cluster: set node.name to a2, if that is this node, or add `- { name: b1, address: 192.168.1.3, podCidrs: [CIDR] }` to the members at cluster.yaml:3:3',
    ],
  },
  "not a member, but for the domain": {
    node: `node: { name: A2.example.net }
cluster: { file: cluster.yaml }
`,
    says: [
      'node.yaml:1:15: node.name: "A2.example.net" is not a member of the cluster: set node.name to a2, if that is this node, or add `- { name: A2.example.net, address: ADDRESS, podCidrs: [CIDR] }` to the members at cluster.yaml:3:3',
    ],
  },
  "no name, and the host is not a member": {
    node: "cluster: { file: cluster.yaml }\n",
    says: [
      'node.yaml:1:1: node.name: "host" is not a member of the cluster: add `- { name: host, address: ADDRESS, podCidrs: [CIDR] }` to the members at cluster.yaml:3:3',
    ],
  },
  "what the node says is not what the cluster says": {
    node: `node:
  name: a1
  address: 192.168.1.7
  asn: 64513
  routerId: 192.168.1.3
  podCidrs: [10.233.9.0/24, 10.233.2.128/25]
cluster: { file: cluster.yaml }
listen: { port: 1790 }
`,
    says: [
      "node.yaml:3:12: node.address: 192.168.1.7 is not the address of a1 at cluster.yaml:3:26, 192.168.1.2: make them the same, or leave node.address out",
      "node.yaml:4:8: node.asn: the other members expect a1 to be AS 64512 (cluster.yaml:1:1), not 64513: leave node.asn out, or give the member `asn: 64513`",
      "node.yaml:5:13: warning: node.routerId: 192.168.1.3 is the address of a2 at cluster.yaml:4:26, which uses it as its own: give another, or leave it out",
      "node.yaml:6:14: node.podCidrs[0]: 10.233.9.0/24 is not among the pod CIDRs of a1 at cluster.yaml:3:49: add it there, or leave node.podCidrs out",
      "node.yaml:6:29: node.podCidrs[1]: 10.233.2.128/25 overlaps 10.233.2.0/24 of a2 at cluster.yaml:4:50: give a1 a range that nobody else has",
      "node.yaml:8:17: warning: listen.port: the other members dial a1 on port 179 (cluster.yaml:3:5), not 1790: leave listen.port out, or give the member `port: 1790`",
    ],
  },
  "pod CIDRs of the node, by themselves": {
    node: `node: { name: a1, podCidrs: [10.1.0.0/16, 10.1.1.0/24] }
cluster: { file: cluster.yaml }
`,
    cluster: `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2 }
`,
    says: [
      "node.yaml:1:30: node.podCidrs[0]: 10.1.0.0/16 is outside the pod pool 10.233.0.0/16 (10.233.0.0 to 10.233.255.255): give a range inside, or add one to podPools",
      "node.yaml:1:43: node.podCidrs[1]: 10.1.1.0/24 overlaps 10.1.0.0/16 of the same node at node.yaml:1:30: remove one of the two",
      "node.yaml:1:43: node.podCidrs[1]: 10.1.1.0/24 is outside the pod pool 10.233.0.0/16 (10.233.0.0 to 10.233.255.255): give a range inside, or add one to podPools",
    ],
  },
  "sockets, ports and numbers": {
    node: `node: { name: a1, asn: 23456, routerId: 0.0.0.0 }
cluster: { file: cluster.yaml }
listen: { address: 192.168.1.256, port: 65536 }
kernel: { protocol: 4, table: 255, metric: -1 }
api: { socket: run/margay.sock, listen: "0.0.0.0:8179" }
log: { level: warning }
mesh: { dial: everyone }
`,
    says: [
      "node.yaml:1:24: node.asn: AS 23456 is AS_TRANS, which stands for 4-octet numbers (RFC 6793): private ones are 64512 to 65534",
      "node.yaml:1:41: node.routerId: 0.0.0.0 is not a BGP identifier (RFC 6286): give one, such as the address",
      'node.yaml:3:20: listen.address: "192.168.1.256" is not an address such as 192.168.1.2 or 2001:db8::2',
      "node.yaml:3:41: listen.port: 65536 is not possible: give a TCP port, 1 to 65535",
      'node.yaml:4:21: kernel.protocol: protocol 4 is "static", which marks routes of others: give a number of our own, such as 77',
      "node.yaml:4:31: kernel.table: table 255 is the kernel's own (local): give 254 (main) or a table of our own",
      "node.yaml:4:44: kernel.metric: -1 is not possible: give a metric, 0 to 4294967295",
      'node.yaml:5:16: api.socket: "run/margay.sock" is not an absolute path such as /run/margay/margay.sock: start it with /',
      "node.yaml:5:41: api.listen: 0.0.0.0:8179 is not loopback, and the API asks nobody who they are: write 127.0.0.1:8179",
      'node.yaml:6:15: log.level: "warning" is not one of trace, debug, info, warn, error: did you mean "warn"?',
      'node.yaml:7:15: mesh.dial: "everyone" is not one of both, higher, lower, calico: give one of both, higher, lower, calico',
    ],
  },
  "another daemon's protocol number": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
kernel: { protocol: 12 }
`,
    says: [
      "node.yaml:3:21: warning: kernel.protocol: protocol 12 is used by BIRD, whose routes would be taken for ours and removed: give a number of our own, such as 77",
    ],
  },
  "a socket path that is too long for the kernel": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
api: { socket: /${"x".repeat(107)} }
`,
    says: ["node.yaml:3:16: api.socket: the path has 108 octets: the kernel takes at most 107"],
  },
  "peers of the node's own": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
peers:
  - { address: 192.168.1.2, asn: 65001 }
  - { address: 192.168.1.3, asn: 65001 }
  - { address: 192.168.1.4, asn: 65001 }
  - { address: 192.168.1.4, asn: 0, passive: "yes" }
  - { address: fe80::1, asn: 65001 }
  - { address: 192.168.1.5/24, asn: 65535 }
  - { address: 224.0.0.5, asn: 4294967295 }
`,
    says: [
      "node.yaml:4:16: peers[0].address: 192.168.1.2 is this node itself: give the peer's address",
      "node.yaml:5:16: peers[1].address: 192.168.1.3 is a2 of the cluster at cluster.yaml:4:5, which is a peer already: remove this one",
      "node.yaml:7:16: peers[3].address: 192.168.1.4 is already the peer at node.yaml:6:16: remove one of the two",
      "node.yaml:7:34: peers[3].asn: AS 0 is reserved (RFC 7607): private ones are 64512 to 65534",
      'node.yaml:7:46: peers[3].passive: "yes" is not true or false: give one of them',
      "node.yaml:8:16: peers[4].address: fe80::1 is link local: give the network device, too, as fe80::1%eth0",
      'node.yaml:9:16: peers[5].address: "192.168.1.5/24" is not an address such as 192.168.1.2 or 2001:db8::2: write 192.168.1.5',
      "node.yaml:9:37: peers[5].asn: AS 65535 is reserved (RFC 7300): private ones are 64512 to 65534",
      "node.yaml:10:16: peers[6].address: 224.0.0.5 is multicast (RFC 5771): give a unicast address",
      "node.yaml:10:32: peers[6].asn: AS 4294967295 is reserved (RFC 7300): private ones are 64512 to 65534",
    ],
  },
  "ranges that pods cannot have": {
    cluster: `podPools: [0.0.0.0/0, 224.0.0.0/8, fd00::/8]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [127.0.0.0/24] }
`,
    says: [
      "cluster.yaml:1:12: podPools[0]: 0.0.0.0/0 is everything: give the range of the pods",
      "cluster.yaml:1:23: podPools[1]: 224.0.0.0/8 meets multicast (RFC 5771): pods need routable addresses, such as 10.233.0.0/16",
      "cluster.yaml:3:50: members[0].podCidrs[0]: 127.0.0.0/24 meets loopback (RFC 1122): pods need routable addresses, such as 10.233.0.0/16",
    ],
  },
  "settings of pools, and IPv6": {
    cluster: `podPools: [10.233.0.0/16, fd00:10::/32]
poolSettings:
  - { prefix: 10.234.0.0/16, tunnel: gre }
  - { prefix: fd00:10:1::/48, encapsulation: always, tunnel: vxlan }
members:
  - { name: a1, address: 192.168.1.2, subnet: 192.168.1.2/24, podCidrs: [fd00:10:0:1::/64] }
  - { name: a2, address: 192.168.1.3, address6: 192.168.1.3 }
  - { name: a3, address: 192.168.1.4, address6: "fe80::4" }
`,
    says: [
      "cluster.yaml:3:15: poolSettings[0].prefix: 10.234.0.0/16 is outside every pod pool: 10.233.0.0/16 (10.233.0.0 to 10.233.255.255), fd00:10::/32 (fd00:10:: to fd00:10:ffff:ffff:ffff:ffff:ffff:ffff): give a range inside, or add one to podPools",
      'cluster.yaml:3:38: poolSettings[0].tunnel: "gre" is not one of ipip, vxlan, auto: give one of ipip, vxlan, auto',
      "cluster.yaml:6:47: members[0].subnet: 192.168.1.2/24 has host bits set: write 192.168.1.0/24",
      "cluster.yaml:6:74: members[0].podCidrs[0]: a1 has IPv6 pods and no IPv6 address to reach them by: give it address6",
      'cluster.yaml:7:49: members[1].address6: "192.168.1.3" is not an IPv6 address such as 2001:db8::2',
      "cluster.yaml:8:49: members[2].address6: fe80::4 is link local (RFC 4291): give the address that other nodes reach",
    ],
  },
  "a node outside its own subnet": {
    cluster: `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, subnet: 192.168.2.0/24, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 192.168.1.3, address6: "2001:db8:1::3", subnet6: "2001:db8:2::/64" }
`,
    says: [
      "cluster.yaml:3:47: members[0].subnet: 192.168.2.0/24 does not hold 192.168.1.2: give the subnet that its interface is in, such as 192.168.1.0/24",
      "cluster.yaml:4:75: members[1].subnet6: 2001:db8:2::/64 does not hold 2001:db8:1::3: give the subnet that its interface is in, such as 2001:db8:1::/64",
    ],
  },
  "a node's address among the pods": {
    cluster: `podPools: [10.233.0.0/16, 10.233.4.0/24]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 10.233.1.9 }
`,
    says: [
      "cluster.yaml:1:27: warning: podPools[1]: 10.233.4.0/24 is already in the pool 10.233.0.0/16 at cluster.yaml:1:12: it can go",
      "cluster.yaml:4:26: members[1].address: 10.233.1.9 is inside the pod CIDR 10.233.1.0/24 of a1 at cluster.yaml:3:50: nodes and pods need different ranges",
    ],
  },
  "reflectors wanted and not given": {
    cluster: `podPools: [10.233.0.0/16]
topology: reflector
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
`,
    says: [
      "cluster.yaml:2:11: topology: the topology reflector needs reflectors: add `reflectors: [{ name: rr1, address: 192.168.1.250 }]`",
    ],
  },
  "wrong types": {
    cluster: `asn: "64512"
podPools: 10.233.0.0/16
members:
  - a1
  - { name: a1, address: 192.168.1.2, podCidrs: [[10.233.1.0/24], 7] }
reflectors:
`,
    says: [
      'cluster.yaml:1:6: asn: "64512" is text: write 64512 without quotes',
      'cluster.yaml:2:11: podPools: "10.233.0.0/16" is not a list of pod pools: write [10.233.0.0/16]',
      'cluster.yaml:4:5: members[0]: "a1" is not a mapping of `key: value` lines',
      "cluster.yaml:5:50: members[1].podCidrs[0]: a list is not a prefix such as 10.233.1.0/24",
      "cluster.yaml:5:67: members[1].podCidrs[1]: 7 is not a prefix such as 10.233.1.0/24",
      "cluster.yaml:6:1: reflectors: has no value: give a list of reflectors",
    ],
  },
  "what is missing": {
    node: "node: { name: a1 }\n",
    says: ["node.yaml:1:1: cluster: missing: give a mapping of `key: value` lines"],
  },
  "an empty file": {
    node: "# nothing yet\n",
    says: ["node.yaml:1:1: has no value: give a mapping of `key: value` lines"],
  },
  "a key twice": {
    node: `node: { name: a1 }
cluster: { file: cluster.yaml }
node: { name: a2 }
`,
    says: ["node.yaml:3:1: this key stands twice in its mapping: remove one of the two"],
  },
  "a cluster file that is not there": {
    node: "node: { name: a1 }\ncluster: { file: clutser.yaml }\n",
    says: ["node.yaml:2:18: cluster.file: clutser.yaml cannot be read: there is no such file"],
  },
  "an environment variable": {
    environment: { MARGAY_NODE_ADDRESS: "192.168.1", MARGAY_LOG_LEVEL: "loud" },
    says: [
      'environment MARGAY_NODE_ADDRESS: node.address: "192.168.1" is not an IPv4 address such as 192.168.1.2',
      'environment MARGAY_LOG_LEVEL: log.level: "loud" is not one of trace, debug, info, warn, error: give one of trace, debug, info, warn, error',
    ],
  },
};

for (const [name, { says, ...files }] of Object.entries(cases)) {
  test(name, (t) => assert.deepEqual(problemsOf(t, files), says));
}

test("mistakes of both files, of values and between values are shown at once", (t) => {
  const problems = problemsOf(t, {
    node: `node: { name: a1, adress: 192.168.1.2 }
cluster: { file: cluster.yaml }
timers: { holdTimeSeconds: 1 }
`,
    cluster: `podPools: [10.233.0.0/16]
topolgy: mesh
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 192.168.1.2, podCidrs: [10.233.1.0/24, 10.3.0.5/16], port: 0 }
`,
  });
  assert.deepEqual(
    problems.map((line) => line.split(": ").slice(0, 2).join(": ")),
    [
      "node.yaml:1:19: node.adress",
      "node.yaml:3:28: timers.holdTimeSeconds",
      "cluster.yaml:2:1: topolgy",
      "cluster.yaml:5:26: members[1].address",
      "cluster.yaml:5:50: members[1].podCidrs[0]",
      "cluster.yaml:5:65: members[1].podCidrs[1]",
      "cluster.yaml:5:85: members[1].port",
    ],
  );
});

test("text that is not YAML is placed", (t) => {
  const [first = ""] = problemsOf(t, { node: "node: { name: a1\ncluster: x\n" });
  assert.match(first, /^node\.yaml:\d+:\d+: not YAML: /);
  const [tab = ""] = problemsOf(t, { node: "node:\n\tname: a1\n" });
  assert.match(tab, /^node\.yaml:2:1: a tab indents this line: use spaces$/);
});
