import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterModel } from "../../../src/cluster/model/cluster-model.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { dials } from "../../../src/topology/dial-rule.ts";
import { diffPeers } from "../../../src/topology/diff-peers.ts";
import {
  type PeerWanted,
  peersWanted,
  prefixesToOriginate,
  type TopologyNode,
} from "../../../src/topology/peers-wanted.ts";

function prefixes(...texts: string[]): Prefix[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    assert.ok(prefix, text);
    return prefix;
  });
}

function member(name: string, address: string, pods: string[], asn = 64_512) {
  return { name, address, podCidrs: prefixes(...pods), asn, port: 179 };
}

const mesh: ClusterModel = {
  asn: 64_512,
  podPools: prefixes("10.233.0.0/16"),
  topology: "mesh",
  members: [
    member("a1", "192.168.1.2", ["10.233.1.0/24"]),
    member("a2", "192.168.1.3", ["10.233.2.0/24", "10.233.3.0/24"]),
    { ...member("b1", "192.168.2.2", [], 64_513), port: 1790 },
  ],
  reflectors: [{ name: "rr1", address: "192.168.1.250", asn: 64_512, port: 179 }],
};

function node(changes: Partial<TopologyNode["node"]> = {}): TopologyNode {
  const own = { name: "a2", address: "192.168.1.3", asn: 64_512, podCidrs: prefixes() };
  return {
    node: { ...own, podCidrsFrom: "cluster", ...changes },
    mesh: { dial: "both" },
    peers: [],
  };
}

function plain(peer: PeerWanted) {
  const texts = (list: readonly Prefix[]): string[] => list.map(({ text }) => text);
  const { importPrefixes, importNever } = peer;
  return { ...peer, importPrefixes: texts(importPrefixes), importNever: texts(importNever) };
}

const policy = {
  importPrefixes: ["10.233.0.0/16"],
  importNever: ["10.233.2.0/24", "10.233.3.0/24"],
};

const a1 = {
  address: "192.168.1.2",
  port: 179,
  asn: 64_512,
  passive: false,
  kind: "mesh",
  name: "a1",
  ...policy,
  exportOwnOnly: false,
} as const;

test("in a mesh every other member is a peer, by eBGP where its AS number is another", () => {
  assert.deepEqual(peersWanted(node(), mesh).map(plain), [
    a1,
    {
      ...a1,
      address: "192.168.2.2",
      port: 1790,
      asn: 64_513,
      name: "b1",
      exportOwnOnly: true,
    },
  ]);
});

test("with reflectors, they are the only peers, and dialled whatever the rule of the mesh", () => {
  const config = { ...node(), mesh: { dial: "lower" as const } };
  assert.deepEqual(peersWanted(config, { ...mesh, topology: "reflector" }).map(plain), [
    { ...a1, address: "192.168.1.250", name: "rr1", kind: "reflector" },
  ]);
});

test("peers of the node's own come last: eBGP or iBGP by their AS number", () => {
  const peer = { address: "192.168.1.1", asn: 65_001, port: 179, passive: false };
  const config = {
    ...node(),
    peers: [
      { ...peer, importPrefixes: prefixes("0.0.0.0/0"), description: "tor" },
      { ...peer, address: "192.168.1.9", asn: 64_512, passive: true },
      { ...peer, address: "192.168.1.2" }, // a member by now
    ],
  };
  assert.deepEqual(peersWanted(config, mesh).map(plain).slice(2), [
    {
      ...a1,
      address: "192.168.1.1",
      asn: 65_001,
      kind: "external",
      name: "tor",
      importPrefixes: ["0.0.0.0/0"],
      exportOwnOnly: true,
    },
    { ...a1, address: "192.168.1.9", passive: true, kind: "internal", name: "192.168.1.9" },
  ]);
  assert.equal(peersWanted(config, mesh)[0]?.kind, "mesh");
});

test("a node originates its member's pod CIDRs, or its own file's, or nothing", () => {
  const texts = (config: TopologyNode): string[] =>
    prefixesToOriginate(config, mesh).map(({ text }) => text);
  assert.deepEqual(texts(node()), ["10.233.2.0/24", "10.233.3.0/24"]);
  const podCidrs = prefixes("10.233.9.0/24");
  assert.deepEqual(texts(node({ podCidrs, podCidrsFrom: "node" })), ["10.233.9.0/24"]);
  assert.deepEqual(texts(node({ name: "gone", podCidrs })), []);
});

test("a node never peers with its own address, whatever it is called", () => {
  const peers = peersWanted(node({ name: "renamed" }), mesh);
  assert.deepEqual(
    peers.map(({ name }) => name),
    ["a1", "b1"],
  );
});

for (const [rule, own, peer, expected] of [
  ["both", "10.0.0.9", "10.0.0.10", true],
  ["both", "10.0.0.10", "10.0.0.9", true],
  ["higher", "10.0.0.10", "10.0.0.9", true],
  ["higher", "10.0.0.9", "10.0.0.10", false],
  ["higher", "200.0.0.1", "10.0.0.1", true],
  ["lower", "10.0.0.9", "10.0.0.10", true],
  ["lower", "10.0.0.10", "10.0.0.9", false],
  ["calico", "10.0.0.9", "10.0.0.10", true],
  ["calico", "10.0.0.10", "10.0.0.9", false],
  ["higher", "fd00::10", "fd00::9", true],
  ["higher", "fd00::1", "10.0.0.1", true],
] as const) {
  test(`dial ${rule}: ${own} ${expected ? "dials" : "waits for"} ${peer}`, () => {
    assert.equal(dials(rule, own, peer), expected);
  });
}

test("under every rule at least one end dials, and under all but `both` exactly one", () => {
  const addresses = [
    "10.0.0.9",
    "10.0.0.10",
    "10.0.0.100",
    "9.255.255.255",
    "192.168.1.2",
    "fd00::1",
  ];
  for (const rule of ["both", "higher", "lower", "calico"] as const) {
    for (const one of addresses) {
      for (const other of addresses.filter((address) => address !== one)) {
        const ends = Number(dials(rule, one, other)) + Number(dials(rule, other, one));
        assert.equal(ends, rule === "both" ? 2 : 1, `${rule} ${one} ${other}`);
      }
    }
  }
});

test("the difference between two lists of peers", () => {
  const before = peersWanted(node(), mesh);
  assert.deepEqual(diffPeers(before, peersWanted(node(), mesh)), {
    added: [],
    removed: [],
    changed: [],
  });
  const grown = member("c1", "192.168.3.2", []);
  const after = peersWanted(node(), {
    ...mesh,
    podPools: prefixes("10.233.0.0/16", "10.240.0.0/16"),
    members: [
      ...mesh.members.slice(1, 2),
      { ...member("b1", "192.168.2.2", []), port: 1790 },
      grown,
    ],
  });
  const diff = diffPeers(before, after);
  assert.deepEqual(
    diff.added.map(({ name }) => name),
    ["c1"],
  );
  assert.deepEqual(
    diff.removed.map(({ name }) => name),
    ["a1"],
  );
  assert.deepEqual(
    diff.changed.map(({ after: { name }, fields, sessionReset }) => ({
      name,
      fields,
      sessionReset,
    })),
    [{ name: "b1", fields: ["asn", "importPrefixes", "exportOwnOnly"], sessionReset: true }],
  );
});

test("a new pool changes the filter of every peer and resets no session", () => {
  const podPools = prefixes("10.233.0.0/16", "10.240.0.0/16");
  const { changed } = diffPeers(
    peersWanted(node(), mesh),
    peersWanted(node(), { ...mesh, podPools }),
  );
  assert.deepEqual(
    changed.map(({ fields, sessionReset }) => ({ fields, sessionReset })),
    [
      { fields: ["importPrefixes"], sessionReset: false },
      { fields: ["importPrefixes"], sessionReset: false },
    ],
  );
});
