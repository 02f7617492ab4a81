import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { pathText, protocolName, routeLine } from "../../../src/felix/format.ts";
import {
  nameProtocol,
  protocolNameFile,
  removeProtocolName,
} from "../../../src/felix/protocol-name.ts";
import type { PathContent } from "../../../src/fib/path.ts";

const device = (ifindex: number): string => (ifindex === 2 ? "eth0" : "tunl0");
const hop = (gateway: string | undefined, ifindex: number, onlink = false, weight = 1) => ({
  ...{ gateway, ifindex, onlink, weight },
});

describe("routes in words", () => {
  const lines: (readonly [path: PathContent, metric: number, line: string])[] = [
    [
      { type: "unicast", hops: [hop("192.168.1.3", 2)] },
      0,
      "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
    ],
    [
      { type: "unicast", hops: [hop("192.168.2.2", 3, true)] },
      0,
      "10.233.2.0/24 via 192.168.2.2 dev tunl0 proto margay onlink",
    ],
    [
      { type: "unicast", hops: [hop("2001:db8::3", 2)] },
      0,
      "10.233.2.0/24 via inet6 2001:db8::3 dev eth0 proto margay",
    ],
    [
      { type: "unreachable", hops: [] },
      4_278_198_272,
      "unreachable 10.233.2.0/24 proto margay metric 4278198272",
    ],
    [
      { type: "unicast", hops: [hop(undefined, 2)], source: "192.168.1.2" },
      0,
      "10.233.2.0/24 dev eth0 proto margay src 192.168.1.2",
    ],
    [
      { type: "unicast", hops: [hop("192.168.1.3", 2), hop("192.168.2.2", 3, true, 2)] },
      7,
      "10.233.2.0/24 proto margay metric 7 nexthop via 192.168.1.3 dev eth0 weight 1 nexthop via 192.168.2.2 dev tunl0 weight 2 onlink",
    ],
  ];
  lines.push(
    [
      { type: "unicast", hops: [hop("192.168.2.2", 3, true)], mtu: 1380 },
      0,
      "10.233.2.0/24 via 192.168.2.2 dev tunl0 proto margay onlink mtu 1380",
    ],
    [
      { type: "unicast", hops: [hop("192.168.1.3", 2), hop("192.168.1.4", 2)], mtu: 1400 },
      0,
      "10.233.2.0/24 proto margay mtu 1400 nexthop via 192.168.1.3 dev eth0 weight 1 nexthop via 192.168.1.4 dev eth0 weight 1",
    ],
  );
  for (const [path, metric, line] of lines) {
    test(line, () => {
      assert.equal(routeLine("10.233.2.0/24", path, "margay", metric, device), line);
    });
  }

  test("a way alone", () => {
    assert.equal(pathText({ type: "blackhole", hops: [] }, device), "blackhole");
    assert.equal(
      pathText({ type: "unicast", hops: [hop("192.168.2.2", 3, true)], extras: "metrics" }, device),
      "via 192.168.2.2 dev tunl0 onlink metrics",
    );
  });

  test("protocols", () => {
    assert.equal(protocolName(77, 77), "margay");
    assert.equal(protocolName(12, 77), "bird");
    assert.equal(protocolName(201, 77), "201");
  });
});

describe("the protocol's name for iproute2", () => {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "margay-protos-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("is written once", async () => {
    assert.equal(await nameProtocol(77, directory), true);
    assert.equal(await nameProtocol(77, directory), true);
    assert.equal(await readFile(join(directory, "margay.conf"), "utf8"), "77 margay\n");
  });

  test("follows the setting", async () => {
    await nameProtocol(77, directory);
    assert.equal(await nameProtocol(78, directory), true);
    assert.equal(await readFile(join(directory, "margay.conf"), "utf8"), "78 margay\n");
  });

  test("goes where it is as it was written", async () => {
    const file = join(directory, "margay.conf");
    assert.equal(await protocolNameFile(77, directory), undefined);
    await nameProtocol(77, directory);
    assert.equal(await protocolNameFile(78, directory), undefined);
    assert.equal(await protocolNameFile(77, directory), file);
    assert.equal(await removeProtocolName(file), undefined);
    assert.deepEqual(await readdir(directory), []);
    await writeFile(file, "77 margay\n# and a word of somebody's\n");
    assert.equal(await protocolNameFile(77, directory), undefined);
  });

  test("leaves a number that another file names", async () => {
    await writeFile(join(directory, "other.conf"), "# theirs\n77\tocelot\n");
    assert.equal(await nameProtocol(77, directory), false);
  });

  test("does without a directory", async () => {
    assert.equal(await nameProtocol(77, join(directory, "none")), false);
  });
});
