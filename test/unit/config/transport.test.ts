import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { speakerPeerSettings, speakerRanges } from "../../../src/agent/peer-settings.ts";
import { nodeTcpKeys, tcpKeys } from "../../../src/agent/tcp-keys.ts";
import { formatChange } from "../../../src/config/config-change.ts";
import { diffSpeaker } from "../../../src/config/diff-config.ts";
import { listenAddresses, ownAddresses } from "../../../src/config/listen.ts";
import { loadSpeaker } from "../../../src/config/load-speaker.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { showConfig, showSpeaker } from "../../../src/config/show-config.ts";
import type { SpeakerSettings } from "../../../src/config/speaker-settings.ts";
import { configDirectory, goodNode, load } from "./config-files.ts";

type Context = Parameters<typeof load>[0];

/** A speaker's file beside a password file that only its owner may read. */
function file(t: Context, text: string, secret = "from the file\n"): string {
  const path = join(configDirectory(t, { "speaker.yaml": text }), "speaker.yaml");
  const secretPath = join(dirname(path), "secret");
  writeFileSync(secretPath, secret);
  chmodSync(secretPath, 0o600);
  return path;
}

function settings(path: string): SpeakerSettings {
  const loaded = loadSpeaker(path);
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.errors.map(formatProblem).join("\n"));
  assert.deepEqual(loaded.warnings, []);
  return loaded.settings;
}

function mistakes(path: string): string[] {
  const loaded = loadSpeaker(path);
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  return problems.map((problem) => formatProblem(problem).replaceAll(`${dirname(path)}/`, ""));
}

const base = "asn: 65000\nlisten: { address: 192.0.2.1 }\n";

describe("passwords", () => {
  const text = `${base}peerGroups:
  tor: { asn: 65001, passwordFile: secret }
peers:
  - { address: 192.0.2.2, group: tor }
  - { address: 192.0.2.3, group: tor, password: of its own }
  - { address: "fe80::2%eth0", asn: 65001, password: inline }
  - { address: 192.0.2.4, asn: 65001 }
ranges:
  - { prefix: 198.51.100.0/24, group: tor }
  - { prefix: "2001:db8::/64", asns: internal, password: six }
`;

  test("are a peer's own, else its group's, inline or from a file", (t) => {
    const keys = tcpKeys(settings(file(t, text)));
    assert.deepEqual(
      keys.map(({ prefix, password }) => `${prefix.text} ${password}`),
      [
        "192.0.2.2/32 from the file",
        "192.0.2.3/32 of its own",
        "fe80::2/128 inline",
        "198.51.100.0/24 from the file",
        "2001:db8::/64 six",
      ],
    );
  });

  test("are shown nowhere", (t) => {
    const path = file(t, text);
    const read = settings(path);
    const shown = [
      showSpeaker(read),
      inspect(read, { depth: 9 }),
      JSON.stringify(read),
      JSON.stringify([
        speakerPeerSettings(read),
        speakerRanges(read).map(({ settings: of }) => of),
      ]),
      diffSpeaker({ ...read, peers: [] }, read)
        .map(formatChange)
        .join("\n"),
      String(read.peers[1]?.password),
    ];
    for (const one of shown) assert.doesNotMatch(one, /from the file|of its own|inline|six/);
    assert.match(shown[0] ?? "", /password: <hidden>/);
    assert.ok(shown[0]?.includes(`passwordFile: ${dirname(path)}/secret`));
  });

  test("that change are a change, also inside their file", (t) => {
    const path = file(t, text);
    const before = settings(path);
    writeFileSync(join(dirname(path), "secret"), "another\n");
    const changes = diffSpeaker(before, settings(path));
    assert.deepEqual(
      changes.map(({ path: of, effect }) => `${of} ${effect}`),
      ["peers[192.0.2.2].password live", "ranges[198.51.100.0/24].password live"],
    );
    assert.deepEqual(diffSpeaker(before, before), []);
  });

  test("that cannot be are mistakes, which do not show them", (t) => {
    const path = file(
      t,
      `${base}peers:
  - { address: 192.0.2.2, asn: 65001, password: 12345 }
  - { address: 192.0.2.3, asn: 65001, password: "" }
  - { address: 192.0.2.4, asn: 65001, password: "${"x".repeat(81)}" }
  - { address: 192.0.2.5, asn: 65001, password: <hidden> }
  - { address: 192.0.2.6, asn: 65001, password: one, passwordFile: secret }
  - { address: 192.0.2.7, asn: 65001, passwordFile: absent }
  - { address: 198.51.100.1, asn: 65001 }
ranges:
  - { prefix: 198.51.100.0/24, asns: any, passwordFile: secret }
`,
      "\n",
    );
    assert.deepEqual(mistakes(path), [
      "speaker.yaml:4:49: peers[0].password: is not text: put it in quotes",
      "speaker.yaml:5:49: peers[1].password: is empty: give the password",
      "speaker.yaml:6:49: peers[2].password: has 81 octets: the kernel takes at most 80",
      "speaker.yaml:7:49: peers[3].password: is what stands for a password that is not shown: give it",
      "speaker.yaml:8:68: peers[4].passwordFile: excludes password: remove one of the two",
      "speaker.yaml:8:68: peers[4].passwordFile: the first line of secret is empty: give the password",
      "speaker.yaml:9:53: peers[5].passwordFile: absent cannot be read (ENOENT)",
      "speaker.yaml:10:5: peers[6]: has no password, but the range at speaker.yaml:12:15 that holds it has one, and the kernel asks everybody in it: give the peer its own",
      "speaker.yaml:12:57: ranges[0].passwordFile: the first line of secret is empty: give the password",
    ]);
  });

  test("in a file that others may read are a warning", (t) => {
    const path = file(t, `${base}peerGroups: { all: { passwordFile: secret } }\n`);
    chmodSync(join(dirname(path), "secret"), 0o644);
    assert.deepEqual(mistakes(path), [
      "speaker.yaml:3:36: warning: peerGroups.all.passwordFile: others may read secret: chmod 600 it",
    ]);
  });

  test("of a mesh are for all members but this one", (t) => {
    const loaded = load(t, { node: `${goodNode}mesh: { password: for all }\n` });
    assert.ok(loaded.ok);
    const keys = nodeTcpKeys(loaded.config, loaded.cluster);
    const others = loaded.cluster.members.filter(({ name }) => name !== loaded.config.node.name);
    assert.deepEqual(
      keys.map(({ prefix, password }) => `${prefix.text} ${password}`),
      others.map(({ address }) => `${address}/32 for all`),
    );
    assert.doesNotMatch(showConfig(loaded.config), /for all/);
  });
});

describe("the options of a peer's connections", () => {
  test("bound hops: one to another AS, any within ours, as told otherwise", (t) => {
    const path = file(
      t,
      `${base}peerGroups: { far: { asn: 65001, multihop: 3, tcpUserTimeoutSeconds: 20 } }
peers:
  - { address: 192.0.2.2, asn: 65001 }
  - { address: 192.0.2.3, asn: internal }
  - { address: 192.0.2.4, asn: any }
  - { address: 192.0.2.5, group: far }
  - { address: 192.0.2.6, group: far, ttlSecurity: 2, tcpUserTimeoutSeconds: 0 }
  - { address: "2001:db8::2", asn: 65001, sourceAddress: "2001:db8::1", device: eth0, dscp: 0 }
ranges:
  - { prefix: 198.51.100.0/24, asns: external, tcpUserTimeoutSeconds: 30 }
  - { prefix: 203.0.113.0/24, asns: [65000, 65001] }
`,
    );
    const read = settings(path);
    const of = [
      ...speakerPeerSettings(read),
      ...speakerRanges(read).map((range) => range.settings),
    ];
    const bounds = of.map(({ transport }) => [transport?.ttl, transport?.minimumTtl]);
    assert.deepEqual(bounds, [
      [1, undefined],
      [255, undefined],
      [255, undefined],
      [3, undefined],
      [255, 254],
      [1, undefined],
      [1, undefined],
      [255, undefined],
    ]);
    const { dscp, device, localAddress } = of[5]?.transport ?? {};
    assert.deepEqual([dscp, device, localAddress], [0, "eth0", "2001:db8::1"]);
    assert.equal(of[0]?.transport?.dscp, 48);
    assert.deepEqual(
      of.map(({ transport }) => transport?.userTimeoutSeconds),
      [undefined, undefined, undefined, 20, 0, undefined, 30, undefined],
    );
  });

  test("that cannot be are mistakes", (t) => {
    const path = file(
      t,
      `${base}peers:
  - { address: 192.0.2.2, asn: 65001, ttlSecurity: 1, multihop: 2 }
  - { address: 192.0.2.3, asn: 65001, sourceAddress: "2001:db8::1" }
  - { address: 192.0.2.4, asn: 65001, device: "a device with a long name" }
  - { address: "fe80::4", asn: 65001, dscp: 64 }
  - { address: "192.0.2.5%eth0", asn: 65001, ttlSecurity: 255 }
  - { address: 192.0.2.6, asn: 65001, tcpUserTimeoutSeconds: 65536 }
`,
    );
    assert.deepEqual(mistakes(path), [
      "speaker.yaml:4:65: peers[0].multihop: excludes ttlSecurity: remove one of the two",
      "speaker.yaml:5:54: peers[1].sourceAddress: 2001:db8::1 cannot be the source of connections to 192.0.2.3: give an IPv4 address",
      'speaker.yaml:6:47: peers[2].device: "a device with a long name" is not the name of a network device, such as eth0',
      "speaker.yaml:7:16: peers[3].address: fe80::4 is link local: give the network device, too, as fe80::4%eth0",
      "speaker.yaml:7:45: peers[3].dscp: 64 is not possible: give a code point, 0 to 63",
      'speaker.yaml:8:16: peers[4].address: "192.0.2.5%eth0" is not an address such as 192.168.1.2 or 2001:db8::2',
      "speaker.yaml:8:59: peers[4].ttlSecurity: 255 is not possible: give a number of hops, 1 to 254",
      "speaker.yaml:9:62: peers[5].tcpUserTimeoutSeconds: 65536 is not possible: give a number of seconds, 0 to 65535",
    ]);
  });
});

describe("addresses to listen on", () => {
  const listen = (t: Context, address: string) =>
    settings(file(t, `asn: 65000\nrouterId: 192.0.2.1\nlisten: { address: ${address} }\n`)).listen;

  test("are one, or several of either IP version", (t) => {
    const both = listen(t, '[192.0.2.1, 192.0.2.2, "2001:db8:0::1"]');
    assert.deepEqual(listenAddresses(both), ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    assert.deepEqual(ownAddresses(both), { 4: "192.0.2.1", 6: "2001:db8::1" });
    const link = listen(t, '"fe80::1%eth0"');
    assert.deepEqual([listenAddresses(link), ownAddresses(link)], [["fe80::1%eth0"], {}]);
    const six = listen(t, '"::"');
    assert.deepEqual(listenAddresses(six), ["0.0.0.0", "::"]);
    assert.deepEqual(ownAddresses(six), {});
  });

  test("that cannot be are mistakes", (t) => {
    const wrong = (address: string): string[] =>
      mistakes(file(t, `asn: 65000\nrouterId: 192.0.2.1\nlisten: { address: ${address} }\n`));
    assert.deepEqual(wrong("[]"), ["speaker.yaml:3:20: listen.address: is empty: give an address"]);
    assert.match(wrong("[192.0.2.1, here]")[0] ?? "", /listen.address: "here" is not an address/);
    assert.match(wrong('"fe80::1"')[0] ?? "", /fe80::1 is link local: give the network device/);
  });
});
