import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import type { Memory } from "../../src/gen/margay/v1/status_pb.ts";
import { Bird } from "../support/foreign/bird.ts";
import { Margay } from "../support/margay.ts";
import { Network } from "../support/netns.ts";
import { OwnNamespace, enterNewNamespace } from "../support/own-namespace.ts";
import type { PeerView } from "../support/peer-view.ts";
import { until } from "../support/until.ts";
import { RawPeer } from "./support/raw-peer.ts";

const ASN = 64_512;
const REFLECTOR = { address: "192.0.2.250", port: 179 };
const PREFIXES = Array.from(
  { length: 2500 },
  (_, index) => `10.${index >> 8}.${index & 0xff}.0/24`,
);
/** Octets that a group may hold for members that lag. */
const LAG = 16 * 1024 * 1024;
/** One UPDATE with attributes of its own. */
const UPDATE = 80;
const ROUNDS = Math.ceil((LAG * 1.2) / (PREFIXES.length * UPDATE));

/** The last octets of the addresses of clients that speak by themselves. */
const HOSTS = [2, 3, 5, 6, 10, 11, 12, 13, 14, 15];

/** No two prefixes of one round share a block. */
function attributesOf(round: number, index: number): PathAttributes {
  return {
    origin: 0,
    asPath: [],
    nextHop: "192.0.2.2",
    localPref: 100,
    communities: [0x1000_0000 + round, index],
  };
}

/** Is everything as a round said it? In whatever order it came: a client that lagged is told in the table's. */
function hasRound(round: number): (view: PeerView) => boolean {
  return ({ routes }) =>
    PREFIXES.every((prefix) => routes.get(prefix)?.communities?.[0] === 0x1000_0000 + round);
}

function assertTable({ routes }: PeerView, round: number): void {
  assert.equal(routes.size, PREFIXES.length);
  for (const [index, prefix] of PREFIXES.entries()) {
    assert.deepEqual(routes.get(prefix)?.communities, attributesOf(round, index).communities);
  }
}

describe("a margay reflector under churn", () => {
  const directory = mkdtempSync(join(tmpdir(), "mgs-"));
  const here = new OwnNamespace();
  const reflector = new Margay(here, join(directory, "rr"));
  const network = new Network("mgi-slow");
  let bird: Bird;
  let sender: RawPeer;
  let swift: RawPeer;
  let round = 0;
  const latencies: number[] = [];

  before(async () => {
    assert.equal(enterNewNamespace(), false);
    // Small buffers, so that a reader's pace is felt at once.
    for (const name of ["tcp_rmem", "tcp_wmem"]) {
      execFileSync("sysctl", ["-qw", `net.ipv4.${name}=4096 16384 65536`]);
    }
    const namespace = await network.namespace("bird");
    bird = new Bird(namespace, join(directory, "bird"));
    const own = [REFLECTOR.address, ...HOSTS.map((host) => `192.0.2.${host}`)];
    await here.ip(
      `link add bird0 type veth peer name eth0 netns ${namespace.name}`,
      ...own.map((address) => `address add ${address}/24 dev bird0`),
      "link set bird0 up",
    );
    await namespace.ip("address add 192.0.2.4/24 dev eth0", "link set eth0 up");
    await reflector.startReflector([
      ...["--listen", `${REFLECTOR.address}:${REFLECTOR.port}`, "--asn", `${ASN}`],
      ...["--router-id", REFLECTOR.address, "--accept", "192.0.2.0/24", "--end-of-rib-defer", "0"],
    ]);
    await bird.start({
      address: "192.0.2.4",
      asn: ASN,
      routerId: "192.0.2.4",
      holdTimeSeconds: 9,
      peers: [{ address: REFLECTOR.address, asn: ASN }],
      originate: [],
    });
    sender = await connect(2);
    swift = await connect(3);
  });
  after(async () => {
    for (const peer of [sender, swift]) peer?.vanish();
    await Promise.allSettled([bird?.stop(), reflector.stop()]);
    await network.destroy();
    rmSync(directory, { recursive: true, force: true });
  });

  const connect = (host: number): Promise<RawPeer> =>
    RawPeer.connect({ address: `192.0.2.${host}`, asn: ASN, to: REFLECTOR });

  /** Announces every prefix anew, and notes how long it took until the swift client had heard of all. */
  async function churn(): Promise<void> {
    const startMs = performance.now();
    const now = ++round;
    sender.announce(PREFIXES, (index) => attributesOf(now, index));
    await swift.until(hasRound(now));
    latencies.push(performance.now() - startMs);
  }

  async function memory(): Promise<Memory> {
    const found = (await reflector.status()).memory;
    assert.ok(found !== undefined);
    return found;
  }

  /** What is held for members, octets. */
  async function held(): Promise<number> {
    const { updateGroups, sendQueueBytes } = await memory();
    const ofGroup = ({ logBytes, missedBytes }: (typeof updateGroups)[number]): bigint =>
      logBytes + missedBytes;
    return Number(updateGroups.reduce((sum, group) => sum + ofGroup(group), sendQueueBytes));
  }

  test("delays nobody for a client that reads 1 kB/s, holds no more than its bound, and ends with the table", async (context) => {
    const slow = await connect(5);
    for (let warm = 0; warm < 5; warm++) await churn();
    const undisturbed = Math.max(...latencies);
    slow.readAt(1000);
    const atFirst = await memory();
    let most = 0;
    for (let count = 0; count < ROUNDS; count++) {
      await churn();
      most = Math.max(most, await held());
    }
    const { residentBytes } = await memory();
    const worst = Math.max(...latencies);
    const grown = Number(residentBytes - atFirst.residentBytes) / 1e6;
    context.diagnostic(
      `${ROUNDS} rounds: at most ${(most / 1e6).toFixed(1)} MB held, resident ${grown.toFixed(0)} MB more, ` +
        `a round in ${undisturbed.toFixed(0)} ms at most before, ${worst.toFixed(0)} ms beside the slow client`,
    );
    assert.ok(most > LAG / 2, `the client did not lag: ${most} octets`);
    // The slab that goes over the bound, and lists of what was missed, come on top.
    assert.ok(most < LAG * 1.5, `${most} octets are held`);
    assert.ok(grown < 200, `${grown} MB more`);
    assert.ok(worst < Math.max(2000, undisturbed * 10), `a round took ${worst} ms`);
    assert.ok(!hasRound(round)(slow.view));
    const { updates } = slow.view;
    slow.readAt(Number.POSITIVE_INFINITY);
    await slow.until(hasRound(round));
    assertTable(slow.view, round);
    assertTable(swift.view, round);
    const told = slow.view.updates - updates;
    // What was on its way already, and the table.
    const all = ROUNDS * PREFIXES.length;
    assert.ok(told < all / 10, `told what is, not all that was: ${told} UPDATEs of ${all}`);
    await until("all to be let go of", async () => (await held()) < 1e6);
    slow.vanish();
  });

  test("lets a client vanish in the middle of its table", async () => {
    for (let count = 0; count < 3; count++) {
      const gone = await connect(6);
      gone.readAt(1000);
      await gone.until(({ updates }) => updates > 2);
      await churn();
      gone.vanish();
    }
    await until("it to be forgotten", async () => {
      return (await reflector.peer("192.0.2.6")) === undefined;
    });
    await churn();
    assertTable(swift.view, round);
    const back = await connect(6);
    await back.until(hasRound(round));
    assertTable(back.view, round);
    await back.until(({ endOfRibs }) => endOfRibs.length === 1);
    back.vanish();
    await until("all to be let go of", async () => (await held()) < 1e6);
  });

  test("gives a client that comes in the middle the whole table, however much changes meanwhile", async () => {
    const late: RawPeer[] = [];
    for (let count = 0; count < 6; count++) {
      const churning = churn();
      late.push(await connect(10 + count));
      await churning;
    }
    await Promise.all(late.map((peer) => peer.until(hasRound(round))));
    for (const peer of late) {
      assertTable(peer.view, round);
      assert.equal(peer.view.endOfRibs.length, 1);
      peer.vanish();
    }
  });

  test("has told BIRD the same throughout", async () => {
    const routes = await until("BIRD to have the last round", async () => {
      const all = await bird.routes();
      return all.length === PREFIXES.length && all;
    });
    for (const { originatorId, nextHop } of routes) {
      assert.deepEqual([originatorId, nextHop], ["192.0.2.2", "192.0.2.2"]);
    }
    assert.equal(await bird.peerState(REFLECTOR.address), "Established");
    assert.equal((await reflector.peer("192.0.2.4"))?.flaps, 0);
  });
});
