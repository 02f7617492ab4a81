import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { diffSpeaker } from "../../../src/config/diff-config.ts";
import { formatChange } from "../../../src/config/config-change.ts";
import { isSpeakerFile, loadSpeaker } from "../../../src/config/load-speaker.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { showSpeaker } from "../../../src/config/show-config.ts";
import type { SpeakerSettings } from "../../../src/config/speaker-settings.ts";
import { configDirectory, goodNode, load, problemsOf } from "./config-files.ts";

type Context = Parameters<typeof load>[0];

function file(t: Context, text: string): string {
  return join(configDirectory(t, { "speaker.yaml": text }), "speaker.yaml");
}

function settings(t: Context, text: string): SpeakerSettings {
  const loaded = loadSpeaker(file(t, text));
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.errors.map(formatProblem).join("\n"));
  assert.deepEqual(loaded.warnings, []);
  return loaded.settings;
}

function mistakes(t: Context, text: string): string[] {
  const loaded = loadSpeaker(file(t, text));
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  return problems.map((problem) => formatProblem(problem).replace(/^\/\S*\//, ""));
}

const base = "asn: 65000\nlisten: { address: 192.0.2.1 }\n";

describe("options of a peer", () => {
  test("are its own, else its group's, else the timers', else the defaults", (t) => {
    const { peers } = settings(
      t,
      `${base}timers: { holdTimeSeconds: 30, connectRetrySeconds: 2 }
peerGroups:
  tor: { asn: external, holdTimeSeconds: 9, port: 1179, client: true }
peers:
  - { address: 192.0.2.2, group: tor, port: 2179, client: false }
  - { address: "2001:db8:0::2", asn: 65000 }
`,
    );
    const [first, second] = peers;
    const own = { address: "192.0.2.2", asn: "external", port: 2179, holdTimeSeconds: 9 };
    assert.partialDeepStrictEqual(first, { ...own, connectRetrySeconds: 2, client: false });
    const other = { address: "2001:db8::2", asn: 65_000, port: 179, holdTimeSeconds: 30 };
    assert.partialDeepStrictEqual(second, { ...other, gracefulRestartSeconds: 120 });
  });

  test("of a range likewise; what only a dialled peer has is not among them", (t) => {
    const { ranges } = settings(
      t,
      `${base}peerGroups: { pods: { asn: 65001, passive: true, client: true } }
ranges:
  - { prefix: 10.0.0.0/8, group: pods, limit: 7 }
  - { prefix: 10.1.0.0/16, group: pods, asns: [65001, 65002] }
  - { prefix: 2001:db8::/32, asns: internal }
`,
    );
    assert.deepEqual(
      ranges.map(({ prefix, limit, asns, client }) => [prefix.text, limit, asns, client]),
      [
        ["10.0.0.0/8", 7, [65_001], true],
        ["10.1.0.0/16", 1000, [65_001, 65_002], true],
        ["2001:db8::/32", 1000, "internal", false],
      ],
    );
    assert.ok(ranges.every((range) => !("passive" in range) && !("port" in range)));
  });

  test("are the same in a node's file", (t) => {
    const loaded = load(t, {
      node: `${goodNode}peerGroups: { tor: { asn: 65001, holdTimeSeconds: 9 } }
peers: [{ address: 192.168.1.1, group: tor }]
ranges: [{ prefix: 192.168.9.0/24, group: tor }]
`,
    });
    assert.ok(loaded.ok);
    assert.partialDeepStrictEqual(loaded.config.peers[0], { asn: 65_001, holdTimeSeconds: 9 });
    assert.partialDeepStrictEqual(loaded.config.ranges[0], { asns: [65_001], holdTimeSeconds: 9 });
  });

  test("that are wrong are told with their place", (t) => {
    const node = `${goodNode}peerGroups:
  tor: { asn: 65001, holdTime: 9 }
  gateway: { holdTimeSeconds: 2 }
peers:
  - { address: 192.168.1.1, group: torr }
  - { address: 192.168.1.9, group: gateway }
  - { address: 192.168.1.9, asn: outside }
  - { address: 192.168.1.10, asn: 0 }
ranges:
  - { prefix: 192.168.9.0/24 }
  - { prefix: 192.168.9.0/24, asns: [] }
  - { prefix: 192.168.8.0/24, asns: extern, passive: true }
`;
    const nodes = "node.yaml:4";
    assert.equal(nodes.length, 11);
    assert.deepEqual(problemsOf(t, { node }), [
      'node.yaml:4:22: peerGroups.tor.holdTime: unknown key "holdTime": did you mean "holdTimeSeconds"?',
      "node.yaml:5:31: peerGroups.gateway.holdTimeSeconds: 2 is not a possible hold time: give 0 (never expires) or 3 and more (RFC 4271 §4.2)",
      'node.yaml:7:36: peers[0].group: no peer group is named "torr": did you mean "tor"?',
      "node.yaml:8:5: peers[1]: has no AS number: give asn, a number or one of external, internal, any",
      "node.yaml:9:16: peers[2].address: 192.168.1.9 is already the peer at node.yaml:8:16: remove one of the two",
      'node.yaml:9:34: peers[2].asn: "outside" is not one of external, internal, any: give one of external, internal, any',
      "node.yaml:10:35: peers[3].asn: AS 0 is reserved (RFC 7607): private ones are 64512 to 65534",
      "node.yaml:12:5: ranges[0]: says of no AS that it may connect: give asns, a list or one of external, internal, any",
      "node.yaml:13:15: ranges[1].prefix: 192.168.9.0/24 is already the range at node.yaml:12:15: remove one of the two",
      "node.yaml:13:37: ranges[1].asns: is empty: give an AS number",
      'node.yaml:14:37: ranges[2].asns: "extern" is not one of external, internal, any: did you mean "external"?',
      'node.yaml:14:45: ranges[2].passive: unknown key "passive": it belongs at peers[].passive',
    ]);
  });
});

describe("a speaker's file", () => {
  const whole = `asn: 65000
clusterId: 10.0.0.1
listen: { address: 192.0.2.1, port: 1790 }
originate:
  - { prefix: 10.1.0.0/16 }
  - { prefix: 2001:db8::/32, nextHop: 2001:db8::1, med: 5, localPref: 200, communities: [no-export, 65000:1], largeCommunities: [65000:1:2], extendedCommunities: [rt:65000:7, "0x030c000000000008"] }
ranges: [{ prefix: 192.0.2.0/24, asns: any }]
`;

  test("has defaults from its own values", (t) => {
    const { listen, routerId, clusterId, originate } = settings(t, whole);
    assert.deepEqual({ routerId, clusterId }, { routerId: "192.0.2.1", clusterId: "10.0.0.1" });
    assert.deepEqual(listen, { address: "192.0.2.1", port: 1790 });
    assert.partialDeepStrictEqual(originate[0], { localPref: 100, communities: [] });
    const communities = [0xffffff01, 65_000 * 65_536 + 1];
    assert.partialDeepStrictEqual(originate[1], {
      communities,
      largeCommunities: [[65_000, 1, 2]],
      extendedCommunities: [
        Uint8Array.of(0, 2, 0xfd, 0xe8, 0, 0, 0, 7),
        Uint8Array.of(3, 0x0c, 0, 0, 0, 0, 0, 8),
      ],
    });
  });

  test("is shown as a file that means the same", (t) => {
    const first = settings(t, whole);
    assert.deepEqual(settings(t, showSpeaker(first)), first);
  });

  test("is told from a node's by its keys", (t) => {
    assert.equal(isSpeakerFile(file(t, whole)), true);
    assert.equal(isSpeakerFile(file(t, goodNode)), false);
    assert.equal(isSpeakerFile("/nonexistent"), false);
  });

  test("mistakes are told with their place", (t) => {
    assert.deepEqual(
      mistakes(
        t,
        `asn: 65000
timers: { idleHoldSeconds: 9, idleHoldMaximumSeconds: 3 }
originate:
  - { prefix: 10.0.0.0/8 }
  - { prefix: "2001:db8:1::/48", nextHop: 192.0.2.1 }
  - { prefix: 10.2.0.0/16, nextHop: 224.0.0.1, communities: [no-exports, "65536:1"], largeCommunities: ["1:2"], extendedCommunities: ["rt:1"] }
`,
      ),
      [
        "speaker.yaml:1:1: no routerId can be told from listen.address: give one, such as 192.0.2.1",
        "speaker.yaml:2:55: timers.idleHoldMaximumSeconds: 3 is less than idleHoldSeconds, 9, which it bounds: give at least 9",
        "speaker.yaml:4:5: originate[0]: 10.0.0.0/8 has no next hop of its IP version: give nextHop, IPv4",
        "speaker.yaml:5:5: originate[1]: 2001:db8:1::/48 has no next hop of its IP version: give nextHop, IPv6",
        "speaker.yaml:6:37: originate[2].nextHop: 224.0.0.1 is multicast (RFC 5771): give a unicast address",
        'speaker.yaml:6:62: originate[2].communities[0]: "no-exports" is not a community such as 64512:1: did you mean "no-export"?',
        'speaker.yaml:6:74: originate[2].communities[1]: "65536:1" is not a community such as 64512:1: two numbers up to 65535, or a name',
        'speaker.yaml:6:105: originate[2].largeCommunities[0]: "1:2" is not a large community such as 64512:1:2: three numbers up to 4294967295',
        'speaker.yaml:6:135: originate[2].extendedCommunities[0]: "rt:1" is not an extended community such as rt:64512:100: rt or ro, an AS number or IPv4 address, and a number; or 0x and 16 hexadecimal digits',
      ],
    );
    assert.match(mistakes(t, "asn: 65000\nasn: 65001\n")[0] ?? "", /this key stands twice/);
    assert.deepEqual(mistakes(t, "listen: { address: 192.0.2.1 }\n"), [
      "speaker.yaml:1:1: asn: missing: give an AS number such as 64512, 0 to 4294967295",
    ]);
  });

  test("says how many paths to a prefix a peer is sent", (t) => {
    const peers = (addPath: string): string =>
      `asn: 65000\nlisten: { address: 192.0.2.1 }\npeers: [{ address: 192.0.2.2, asn: 65000, addPath: ${addPath} }]\n`;
    const sent = (addPath: string) => settings(t, peers(addPath)).peers[0]?.addPath;
    assert.deepEqual(sent("{ receive: true }"), { receive: true, send: 0 });
    assert.deepEqual(sent("{ send: 2 }"), { receive: false, send: 2 });
    assert.deepEqual(sent("{ send: all }"), { receive: false, send: "all" });
    assert.deepEqual(mistakes(t, peers("{ send: 70000, recieve: true }")), [
      "speaker.yaml:3:60: peers[0].addPath.send: 70000 is not possible: give a number of paths, 0 to 65535",
      'speaker.yaml:3:67: peers[0].addPath.recieve: unknown key "recieve": did you mean "receive"?',
    ]);
    assert.deepEqual(mistakes(t, peers("{ send: most }")), [
      'speaker.yaml:3:60: peers[0].addPath.send: "most" is not a number of paths, 0 to 65535, or all',
    ]);
  });

  test("what changed is told by setting, and what needs a restart", (t) => {
    const before = settings(t, `${base}peers: [{ address: 192.0.2.2, asn: 65001 }]\n`);
    const after = settings(
      t,
      `asn: 65000
listen: { address: 192.0.2.9 }
originate: [{ prefix: 10.0.0.0/8 }]
peers: [{ address: 192.0.2.2, asn: 65001, advertise: none }]
ranges: [{ prefix: 192.0.2.0/24, asns: external }]
`,
    );
    assert.deepEqual(diffSpeaker(before, after).map(formatChange), [
      "listen.address: 192.0.2.1 → 192.0.2.9 (needs a restart)",
      "routerId: 192.0.2.1 → 192.0.2.9 (needs a restart)",
      "clusterId: 192.0.2.1 → 192.0.2.9 (needs a restart)",
      "peers[192.0.2.2].advertise: added none (applied)",
      "ranges[192.0.2.0/24]: added { prefix: 192.0.2.0/24, limit: 1000, asns: external } (applied)",
      "originate[10.0.0.0/8]: added { prefix: 10.0.0.0/8, localPref: 100, communities: [], largeCommunities: [], extendedCommunities: [] } (applied)",
    ]);
  });
});
