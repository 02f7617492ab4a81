import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { PeerControl } from "../../../src/bgp/peer-control.ts";
import { Speaker } from "../../../src/bgp/speaker.ts";
import type { SpeakerObserver } from "../../../src/bgp/speaker-ports.ts";
import { parseIpv4 } from "../../../src/net/ip-address.ts";
import { callTargets } from "../../../src/recording/calls.ts";
import { Digest } from "../../../src/recording/digest.ts";
import { Recorder } from "../../../src/recording/recorder.ts";
import { RecordingError } from "../../../src/recording/records.ts";
import { replay } from "../../../src/recording/replay.ts";
import { ribDigest } from "../../../src/recording/rib-digest.ts";
import { SpeakerDriver } from "../../../src/session/speaker-driver.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryNetwork } from "../../support/memory-tcp.ts";
import { peerRange, peerSettings, prefix } from "../../support/speaker-harness.ts";

const a = "10.0.0.1";
const b = "10.0.0.2";
const c = "10.0.0.3";

/** Speakers with drivers in one network, of which the first is recorded. */
class Scene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly chunks: Uint8Array[] = [];
  /** Octets that a's speaker wrote, by address of the peer. */
  readonly written = new Map<string, Digest>();
  recorder: Recorder | undefined;

  async node(address: string, observer: SpeakerObserver = {}): Promise<SpeakerDriver> {
    const identifier = parseIpv4(address) ?? 0;
    const isRecorded = address === a;
    let random = 0.1;
    const driver = new SpeakerDriver({
      config: {
        asn: 64512,
        identifier,
        clusterId: identifier,
        ownAddresses: [address],
        nextHopSelf: { 4: address },
        subnets: [prefix("10.0.0.0/24")],
      },
      tcp: this.network.host(address),
      clock: this.clock,
      random: () => (random = (random * 7.3) % 1),
      localAddress: { 4: address },
      observer,
      ...(isRecorded && {
        createSpeaker: (config, ports, told) => {
          const addresses = new Map<number, string>();
          const spied = {
            ...ports,
            connect: (connection: number, to: { address: string }) => {
              addresses.set(connection, to.address);
              return ports.connect(connection, to as never);
            },
            write: (connection: number, parts: readonly Uint8Array[]) => {
              const to = addresses.get(connection) ?? "accepted";
              const digest = this.written.get(to) ?? new Digest();
              for (const part of parts) digest.update(part);
              this.written.set(to, digest);
              return ports.write(connection, parts);
            },
          };
          this.recorder = new Recorder(config, spied, told, (octets) => this.chunks.push(octets));
          return this.recorder.speaker;
        },
      }),
    });
    await driver.listen(address, 179);
    return driver;
  }

  async advance(seconds: number): Promise<void> {
    await this.network.idle();
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000);
      await this.network.idle();
    }
  }

  get recording(): Uint8Array {
    this.recorder?.flush();
    return Uint8Array.from(Buffer.concat(this.chunks));
  }
}

/** A life of a with two peers, in which about everything happens that may happen. */
async function eventfulLife(): Promise<{
  scene: Scene;
  driver: SpeakerDriver;
  others: SpeakerDriver[];
}> {
  const scene = new Scene();
  const driver: SpeakerDriver = await scene.node(a, {
    // A node's agent does so, too: it answers to what it is told, while it is told.
    endOfRib: () => driver.speaker.setRestarting(false, true),
  });
  const { speaker } = driver;
  const left = await scene.node(b);
  const right = await scene.node(c);
  speaker.setRestarting(true, false);
  speaker.endOfRibDeferral.begin({ maximumSeconds: 5, quietSeconds: 1, newcomers: false });
  const settings = { gracefulRestartSeconds: 30, importCommunities: [7] };
  const peer = speaker.addPeer(peerSettings(b, settings));
  speaker.setRanges([peerRange("10.0.0.0/24", { client: true })]);
  // So that all connections with b are ours.
  left.speaker.addPeer(peerSettings(a, { gracefulRestartSeconds: 30, passive: true }));
  right.speaker.addPeer(peerSettings(a));
  speaker.originate(
    [prefix("10.244.1.0/24")],
    [
      {
        prefix: prefix("10.9.0.0/16"),
        nextHop: "10.0.0.9",
        attributes: { extendedCommunities: [Uint8Array.of(0, 2, 0xfc, 0, 0, 0, 0, 100)] },
      },
    ],
  );
  left.speaker.originate([prefix("10.244.2.0/24"), prefix("10.244.22.0/24")]);
  right.speaker.originate([prefix("10.244.3.0/24"), prefix("10.244.2.0/24")]);
  await scene.advance(12);
  assert.equal(peer.fsm.state, "Established");
  speaker.control.softIn(peer);
  speaker.control.softOut(peer);
  speaker.updatePeer(peerSettings(b, { ...settings, exportMed: 50 }));
  await scene.advance(2);
  right.speaker.originate([]);
  await scene.advance(1);
  speaker.control.reset(peer, "for a moment");
  await scene.advance(10);
  await right.stop({ silently: false });
  await scene.advance(40);
  return { scene, driver, others: [left] };
}

async function end({
  driver,
  others,
}: {
  driver: SpeakerDriver;
  others: SpeakerDriver[];
}): Promise<void> {
  for (const one of [driver, ...others]) await one.stop({ silently: false });
}

describe("a recording", () => {
  test("replays to the same RIBs and the same octets for every peer", async () => {
    const life = await eventfulLife();
    const { scene, driver } = life;
    const nested = '["endOfRib",0,"speaker.setRestarting",false,true]';
    assert.ok(Buffer.from(scene.recording).includes(nested));
    const live = ribDigest(driver.speaker);
    assert.ok(live.paths >= 4, `${live.paths} paths`);
    const { speaker, outputs, difference, inputs, isTruncated, runs, elapsedMs } = replay(
      scene.recording,
    );
    assert.equal(difference, undefined);
    assert.deepEqual({ isTruncated, runs }, { isTruncated: false, runs: 1 });
    assert.ok(inputs > 50, `${inputs} inputs`);
    assert.ok(elapsedMs >= 40_000, `${elapsedMs} ms`);
    assert.deepEqual(ribDigest(speaker), live);
    const written = scene.written.get(b);
    assert.deepEqual(
      { octets: outputs.get(b)?.octets, digest: outputs.get(b)?.digest },
      { octets: written?.octets, digest: written?.text },
    );
    await end(life);
  });

  test("shows at its end that the RIBs came to the same", async () => {
    const life = await eventfulLife();
    await end(life);
    const { recording } = life.scene;
    assert.match(Buffer.from(recording).toString("latin1"), /"paths":\d+,"digest":"[0-9a-f]{16}"/);
    assert.equal(replay(recording).difference, undefined);
  });

  test("tells where a speaker does something else", async () => {
    const life = await eventfulLife();
    const recording = Buffer.from(life.scene.recording);
    const wanted = Buffer.from('"exportMed":50');
    const at = recording.indexOf(wanted);
    assert.ok(at > 0);
    Buffer.from('"exportMed":51').copy(recording, at);
    const { difference } = replay(recording);
    assert.match(
      difference ?? "",
      /^at input \d+, \d+\.\d{6} s \(distribute\), the speaker wrote other octets than recorded/,
    );
    const whole = replay(recording, { goesOn: true });
    assert.equal(whole.difference, difference);
    assert.equal(whole.inputs, replay(life.scene.recording).inputs);
    await end(life);
  });

  test("can be stopped on the way", async () => {
    const life = await eventfulLife();
    const { recording } = life.scene;
    const early = replay(recording, { untilMs: 14_500 });
    assert.equal(early.speaker.peer(b)?.flaps, 0);
    assert.ok(early.elapsedMs > 0 && early.elapsedMs <= 14_500);
    assert.equal(early.difference, undefined);
    assert.equal(replay(recording).speaker.peer(b)?.flaps, 1);
    await end(life);
  });

  test("of which the end is missing, at any octet, replays what is there, and says so", async () => {
    const life = await eventfulLife();
    const { recording } = life.scene;
    let partial = 0;
    for (let length = recording.length - 1; length > recording.length - 400; length -= 7) {
      const { isTruncated, difference } = replay(recording.subarray(0, length));
      // Between two chunks nothing is missing that could be known of.
      if (isTruncated) partial++;
      assert.equal(difference, undefined);
    }
    assert.ok(partial > 30, `${partial}`);
    await end(life);
  });

  test("is appended to: each life is a run of its own", async () => {
    const one = await eventfulLife();
    const other = await eventfulLife();
    const both = Uint8Array.from([...one.scene.recording, ...other.scene.recording]);
    const cut = one.scene.recording.length;
    assert.equal(replay(both).runs, 2);
    assert.equal(replay(both).difference, undefined);
    assert.equal(replay(both, { run: 1 }).difference, undefined);
    assert.equal(replay(both, { run: 1 }).inputs, replay(both.subarray(0, cut)).inputs);
    assert.throws(() => replay(both, { run: 3 }), /it has 2 runs, and none of number 3/);
    await end(one);
    await end(other);
  });

  test("has no password", async () => {
    const life = await eventfulLife();
    life.driver.setKeys([{ prefix: prefix("10.0.0.2/32"), password: "sesame" }]);
    await life.scene.advance(100);
    assert.ok(!Buffer.from(life.scene.recording).includes("sesame"));
    await end(life);
  });

  test("of another version, or of something else, is refused", async () => {
    const life = await eventfulLife();
    const { recording } = life.scene;
    const newer = recording.slice();
    newer[7] = 9;
    assert.throws(() => replay(newer), /it has version 9 of the format, and only 1 is known here/);
    for (const text of ["", "x", "something else"]) {
      assert.throws(() => replay(Buffer.from(text)), RecordingError, text);
    }
    const broken = recording.slice();
    broken[12] = 200;
    assert.throws(() => replay(broken), /the record at octet 12 is of a kind that does not exist/);
    await end(life);
  });
});

/** What does not change a speaker, and so need not be recorded. */
const questions = ["constructor", "ribPeer", "peers", "peer", "pendingOctets", "turn"];
/** What has records of its own. */
const slices = ["received", "read", "distribute"];
/** What only follows from such. */
const consequences = ["endOutgrown"];

test("every method that changes a speaker is recorded", () => {
  const { chunks } = new Scene();
  const ports = { nowMs: () => 0 } as ConstructorParameters<typeof Recorder>[1];
  const config = { asn: 1, identifier: 1, clusterId: 1, ownAddresses: [], nextHopSelf: {} };
  const { speaker } = new Recorder(config, ports, {}, (octets) => chunks.push(octets));
  const methods = (type: { readonly prototype: object }, prefixed: string): string[] =>
    Object.getOwnPropertyNames(type.prototype)
      .filter((name) => ![...questions, ...slices, ...consequences].includes(name))
      .map((name) => `${prefixed}.${name}`);
  const known = [...callTargets(speaker).keys()].filter((name) => !name.startsWith("endOfRib"));
  assert.deepEqual(
    [...methods(Speaker, "speaker"), ...methods(PeerControl, "control")].toSorted(),
    known.toSorted(),
  );
  assert.equal(speaker.ribs.get(ipv4Unicast.key)?.prefixes.size, 0);
});
