import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import { encodeUpdate } from "../../../src/bgp/message/update.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import type { SpeakerObserver } from "../../../src/bgp/speaker-ports.ts";
import { nodeClock } from "../../../src/platform/node-clock.ts";
import { nodeTcp } from "../../../src/platform/node-tcp.ts";
import type { Tcp, TcpConnection, TcpKey } from "../../../src/platform/tcp.ts";
import { SpeakerDriver } from "../../../src/session/speaker-driver.ts";
import { parseIpv4 } from "../../../src/net/ip-address.ts";
import type { OwnLink } from "../../../src/platform/own-links.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryNetwork } from "../../support/memory-tcp.ts";
import { codec } from "../../support/peer-view.ts";
import { peerSettings, prefix } from "../../support/speaker-harness.ts";

const a = "10.0.0.1";
const b = "10.0.0.2";
const stranger = "10.0.0.3";

interface Node {
  readonly address: string;
  readonly driver: SpeakerDriver;
  readonly observer: SpeakerObserver;
  readonly refused: string[];
  readonly events: string[];
}

/** Speakers with drivers, in one network on one clock. */
class Scene {
  readonly clock = new FakeClock();
  readonly network: MemoryNetwork;
  readonly nodes: Node[] = [];

  constructor(bufferOctets?: number) {
    this.network = new MemoryNetwork(bufferOctets === undefined ? {} : { bufferOctets });
  }

  async node(address: string, links?: () => readonly OwnLink[]): Promise<Node> {
    const refused: string[] = [];
    const events: string[] = [];
    const identifier = parseIpv4(address) ?? 0;
    const observer: SpeakerObserver = {
      down: (peer, reason, wasEstablished) => {
        if (wasEstablished) events.push(`down ${peer.address}: ${reason.text}`);
      },
    };
    const driver = new SpeakerDriver({
      config: {
        asn: 64512,
        identifier,
        clusterId: identifier,
        ownAddresses: [address],
        nextHopSelf: { 4: address },
      },
      tcp: this.network.host(address),
      clock: this.clock,
      random: () => 1,
      localAddress: { 4: address },
      ...(links !== undefined && { links }),
      refused: (from, reason) => refused.push(`${from}: ${reason}`),
      observer,
    });
    await driver.listen(address, 179);
    const node = { address, driver, observer, refused, events };
    this.nodes.push(node);
    return node;
  }

  /** Lets time pass, second by second. */
  async advance(seconds: number): Promise<void> {
    await this.network.idle();
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000);
      await this.network.idle();
    }
  }
}

function state(node: Node, address: string): string | undefined {
  return node.driver.speaker.peer(address)?.fsm.state;
}

function routes(node: Node): string[] {
  const rib = node.driver.speaker.ribs.get(ipv4Unicast.key);
  assert.ok(rib !== undefined);
  const found: string[] = [];
  for (let id = 0; id < rib.prefixes.end; id++) {
    if (rib.locRib.attributes(id) >= 0) found.push(rib.prefixes.text(id));
  }
  return found.sort();
}

async function pair(
  scene: Scene,
  changes: Partial<PeerSettings> = {},
): Promise<readonly [Node, Node]> {
  const left = await scene.node(a);
  const right = await scene.node(b);
  left.driver.speaker.addPeer(peerSettings(b, changes));
  right.driver.speaker.addPeer(peerSettings(a, changes));
  left.driver.speaker.originate([prefix("10.244.1.0/24")]);
  right.driver.speaker.originate([prefix("10.244.2.0/24")]);
  await scene.network.idle();
  return [left, right];
}

/** Octets of the type of each message a raw connection was sent. */
function messageTypes(chunks: readonly Uint8Array[]): number[] {
  const octets = Buffer.concat(chunks);
  const types: number[] = [];
  for (let at = 0; at < octets.length; at += octets.readUInt16BE(at + 16)) {
    types.push(octets[at + 18] as number);
  }
  return types;
}

describe("the driver of a speaker", () => {
  let scene = new Scene();

  afterEach(async () => {
    await Promise.all(scene.nodes.map(({ driver }) => driver.stop({ silently: true })));
    await scene.network.idle();
    assert.equal(scene.clock.pending, 0, "timers left behind");
  });

  test("brings up one session where both sides dial, and routes cross it", async () => {
    scene = new Scene();
    const [left, right] = await pair(scene);
    assert.equal(state(left, b), "Established");
    assert.equal(state(right, a), "Established");
    for (const node of [left, right]) {
      assert.deepEqual(routes(node), ["10.244.1.0/24", "10.244.2.0/24"]);
    }
    const connection = left.driver.speaker.peer(b)?.fsm.establishedConnection;
    const endpoint = left.driver.endpoint(connection);
    assert.deepEqual([endpoint?.localAddress, endpoint?.remoteAddress], [a, b]);
    assert.equal(left.driver.endpoint(undefined), undefined);
  });

  test("keeps dialling a peer that is not there yet", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    left.driver.speaker.addPeer(peerSettings(b));
    await scene.advance(30);
    assert.equal(state(left, b), "Active");
    const right = await scene.node(b);
    right.driver.speaker.addPeer(peerSettings(a, { passive: true }));
    await scene.advance(6);
    assert.equal(state(left, b), "Established");
  });

  test("runs the timers: keepalives hold a session, silence ends it", async () => {
    scene = new Scene();
    const [left, right] = await pair(scene, { holdTimeSeconds: 9 });
    await scene.advance(60);
    assert.deepEqual(left.events, []);
    scene.network.cut(a, b);
    await scene.advance(10);
    assert.match(left.events[0] ?? "", /nothing heard from the peer for 9 s/);
    assert.deepEqual(routes(right), ["10.244.2.0/24"]);
    scene.network.mend(a, b);
    await scene.advance(20);
    assert.equal(state(left, b), "Established");
    assert.deepEqual(routes(right), ["10.244.1.0/24", "10.244.2.0/24"]);
  });

  test("turns strangers away, and says so", async () => {
    scene = new Scene();
    const [left] = await pair(scene);
    const chunks: Uint8Array[] = [];
    const failed = Promise.withResolvers<string>();
    scene.network.host(stranger).dial({
      address: a,
      port: 179,
      connected: (tcp) =>
        tcp.listen({
          received: (octets) => chunks.push(octets),
          drained: () => {},
          failed: failed.resolve,
        }),
      failed: failed.resolve,
    });
    assert.equal(await failed.promise, "connection closed by the peer");
    assert.deepEqual(chunks, []);
    const reason = "no peer is configured with this address, and no range holds it";
    assert.deepEqual(left.refused, [`${stranger}: ${reason}`]);
  });

  test("stops with a word to its peers, or without one", async () => {
    for (const silently of [false, true]) {
      scene = new Scene();
      const [left, right] = await pair(scene, { gracefulRestartSeconds: 60 });
      await left.driver.stop({ silently, message: "upgrade" });
      await scene.network.idle();
      const pattern = silently
        ? /connection closed by the peer/
        : /NOTIFICATION 6\/9, Cease\/Hard Reset \(Cease\/Administrative Shutdown: "upgrade"/;
      assert.match(right.events[0] ?? "", pattern);
      const kept = silently ? ["10.244.1.0/24", "10.244.2.0/24"] : ["10.244.2.0/24"];
      assert.deepEqual(routes(right), kept);
      await right.driver.stop({ silently: true });
      await scene.network.idle();
    }
  });

  test("stopped in the middle of everything does nothing more", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    left.driver.speaker.addPeer(peerSettings(b));
    const right = await scene.node(b);
    right.driver.speaker.addPeer(peerSettings(a));
    await Promise.all([
      left.driver.stop({ silently: false }),
      right.driver.stop({ silently: false }),
    ]);
    await scene.network.idle();
    assert.equal(state(left, b), "Idle");
  });

  test("gets a table many times its socket's buffer across, End-of-RIB last", async () => {
    scene = new Scene(4096);
    const [left, right] = await pair(scene);
    const own = Array.from({ length: 20_000 }, (_, at) =>
      prefix(`10.${at >>> 8}.${at & 255}.0/24`),
    );
    left.driver.speaker.originate(own);
    await scene.network.idle();
    assert.equal(routes(right).length, own.length + 1);
    left.driver.speaker.originate([]);
    await scene.network.idle();
    assert.deepEqual(routes(right), ["10.244.2.0/24"]);
  });

  test("stops reading from a peer that sends faster than it is worked off, and loses nothing", async () => {
    scene = new Scene(64 * 1024 * 1024);
    const left = await scene.node(a);
    left.driver.speaker.addPeer(peerSettings(stranger, { passive: true }));
    const paused: boolean[] = [];
    const tcp = scene.network.host(stranger);
    const connection = await dial(tcp);
    const chunks: Uint8Array[] = [];
    connection.listen({
      received: (octets) => chunks.push(octets),
      drained: () => {},
      failed: () => {},
    });
    connection.write([
      encodeOpen({
        asn: 64512,
        holdTimeSeconds: 90,
        bgpIdentifier: 0x0a000003,
        capabilities: [{ name: "multiprotocol", afi: 1, safi: 1 }],
      }),
      encodeKeepalive(),
    ]);
    await scene.network.idle();
    assert.equal(state(left, stranger), "Established");
    const near = left.driver.endpoint(
      left.driver.speaker.peer(stranger)?.fsm.establishedConnection,
    );
    assert.ok(near !== undefined);
    const setReading = near.setReading.bind(near);
    near.setReading = (reading) => {
      paused.push(!reading);
      setReading(reading);
    };
    const count = 40_000;
    for (let at = 0; at < count; at++) {
      const announced = [{ prefix: `10.${at >>> 8}.${at & 255}.0/24` }];
      const attributes = { origin: 0, asPath: [], localPref: 100, nextHop: stranger } as const;
      const update = { withdrawn: [], announced, attributes, errors: [] };
      connection.write(encodeUpdate(update, codec()));
    }
    await scene.network.idle();
    assert.equal(routes(left).length, count);
    assert.equal(paused[0], true);
    assert.equal(paused.at(-1), false);
    assert.deepEqual(messageTypes(chunks).slice(0, 2), [1, 4]);
  });

  test("asks for this machine's links once a second, however many sessions come up", async () => {
    scene = new Scene();
    let asked = 0;
    const hub = await scene.node(a, () => {
      asked++;
      return [];
    });
    const join = async (address: string): Promise<void> => {
      const { driver } = await scene.node(address);
      hub.driver.speaker.addPeer(peerSettings(address, { passive: true }));
      driver.speaker.addPeer(peerSettings(a));
      await scene.network.idle();
      assert.equal(state(hub, address), "Established");
    };
    for (const host of [1, 2, 3]) await join(`10.0.1.${host}`);
    assert.equal(asked, 1);
    scene.clock.advance(1000);
    for (const host of [4, 5]) await join(`10.0.1.${host}`);
    assert.equal(asked, 2);
  });

  test("pauses after a distribution for as long as it took, while messages are still read", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    const right = await scene.node(b);
    const { clock, network } = scene;
    left.driver.speaker.addPeer(peerSettings(b));
    right.driver.speaker.addPeer(peerSettings(a));
    await network.idle();
    // What the observer does is part of the distribution: here it takes 10 ms.
    let took = 0;
    Object.assign(left.observer, {
      bestPathsChanged: () => {
        clock.advance(10);
        took++;
      },
    });
    left.driver.speaker.originate([prefix("10.244.1.0/24")]);
    await network.idle();
    assert.deepEqual([took, routes(right)], [1, ["10.244.1.0/24"]]);
    right.driver.speaker.originate([prefix("10.244.2.0/24")]);
    left.driver.speaker.originate([]);
    await network.idle();
    const peer = left.driver.speaker.peer(b);
    assert.deepEqual([took, routes(right)], [1, ["10.244.1.0/24", "10.244.2.0/24"]]);
    const rib = left.driver.speaker.ribs.get(ipv4Unicast.key);
    assert.equal(rib?.paths.counts(peer?.index ?? 0).paths, 1, "received, and not decided yet");
    clock.advance(10);
    await network.idle();
    assert.deepEqual([took, routes(right)], [2, ["10.244.2.0/24"]]);
    assert.deepEqual(routes(left), ["10.244.2.0/24"]);
  });

  for (const [peers, tookMs, decided] of [
    [2, 300, 2],
    [120, 10, 2],
    [120, 300, 1],
  ] as const) {
    const how = decided === 1 ? "gather" : "go out at once";
    test(`lets what comes while ${peers} peers are told for ${tookMs} ms ${how}`, async () => {
      scene = new Scene();
      const hub = await scene.node(a);
      const { clock, network } = scene;
      for (let index = 0; index < peers; index++) {
        const address = `10.0.1.${index + 1}`;
        const { driver } = await scene.node(address);
        driver.speaker.addPeer(peerSettings(a, { passive: true }));
        hub.driver.speaker.addPeer(peerSettings(address));
      }
      await network.idle();
      let took = 0;
      Object.assign(hub.observer, {
        bestPathsChanged: () => {
          if (took++ > 0) return;
          clock.advance(tookMs);
          hub.driver.speaker.originate([prefix("10.244.1.0/24"), prefix("10.244.2.0/24")]);
        },
      });
      hub.driver.speaker.originate([prefix("10.244.1.0/24")]);
      await network.idle();
      assert.equal(took, decided);
      clock.advance(50);
      await network.idle();
      assert.equal(took, 2);
      for (const node of scene.nodes) {
        assert.deepEqual(routes(node), ["10.244.1.0/24", "10.244.2.0/24"]);
      }
    });
  }

  test("never pauses between rounds to a few peers, however many rounds there are", async () => {
    scene = new Scene();
    const [hub, other] = await pair(scene);
    const { clock, network } = scene;
    let took = 0;
    const prefixes = [prefix("10.244.1.0/24")];
    Object.assign(hub.observer, {
      bestPathsChanged: () => {
        if (++took >= 150) return;
        clock.advance(5);
        prefixes.push(prefix(`10.245.${took}.0/24`));
        hub.driver.speaker.originate(prefixes);
      },
    });
    hub.driver.speaker.originate([...prefixes, prefix("10.244.3.0/24")]);
    await network.idle();
    assert.equal(took, 150);
    clock.advance(50);
    await network.idle();
    assert.equal(routes(other).length, prefixes.length + 1, "and its own");
  });

  test("changes the password of a session that stays up when the other end follows", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    const right = await scene.node(b);
    const keys = (password: string): TcpKey[] => [{ prefix: prefix("10.0.0.0/24"), password }];
    for (const { driver } of [left, right]) driver.setKeys(keys("first"));
    left.driver.speaker.addPeer(peerSettings(b, { holdTimeSeconds: 9 }));
    right.driver.speaker.addPeer(peerSettings(a, { holdTimeSeconds: 9 }));
    await scene.network.idle();
    assert.equal(state(left, b), "Established");
    const connection = left.driver.speaker.peer(b)?.fsm.establishedConnection;
    assert.equal(left.driver.endpoint(connection)?.options.password, "first");
    left.driver.setKeys(keys("second"));
    left.driver.speaker.originate([prefix("10.244.1.0/24")]);
    await scene.advance(6);
    assert.deepEqual(routes(right), [], "signed with what the other end does not know yet");
    right.driver.setKeys(keys("second"));
    await scene.advance(60);
    assert.deepEqual(routes(right), ["10.244.1.0/24"]);
    assert.deepEqual([left.events, right.events], [[], []]);
    left.driver.setKeys([]);
    await scene.advance(10);
    assert.match(left.events[0] ?? "", /nothing heard from the peer for 9 s/);
  });

  test("asks about the password when a dial with one has no answer", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    const right = await scene.node(b);
    left.driver.setKeys([{ prefix: prefix("10.0.0.2/32"), password: "one" }]);
    right.driver.setKeys([{ prefix: prefix("10.0.0.0/24"), password: "another" }]);
    left.driver.speaker.addPeer(peerSettings(b));
    right.driver.speaker.addPeer(peerSettings(a, { passive: true }));
    await scene.advance(6);
    assert.equal(
      left.driver.speaker.peer(b)?.fsm.lastDown?.text,
      "no answer to our dial: is the password the same at both ends? (segments with a bad signature came: 1)",
    );
    assert.deepEqual(right.refused, []);
  });

  test("lets in who is as near as TTL security asks for, and nobody else", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    const right = await scene.node(b);
    const transport = { ttl: 255, dscp: 48 };
    const secured = { transport: { ...transport, minimumTtl: 255 } };
    left.driver.speaker.addPeer(peerSettings(b, { passive: true, ...secured }));
    right.driver.speaker.addPeer(peerSettings(a, { transport: { ...transport, ttl: 64 } }));
    await scene.advance(1);
    assert.equal(left.refused.length, 1);
    assert.match(
      left.refused[0] ?? "",
      /^10\.0\.0\.2: its SYN came with TTL 64, where TTL sec.* 255/,
    );
    right.driver.speaker.updatePeer(peerSettings(a, secured));
    await scene.advance(1);
    assert.equal(state(left, b), "Established");
    const connection = left.driver.speaker.peer(b)?.fsm.establishedConnection;
    const { ttl, minimumTtl, dscp } = left.driver.endpoint(connection)?.options ?? {};
    assert.deepEqual([ttl, minimumTtl, dscp], [255, 255, 48]);
  });

  test("says that a port is taken", async () => {
    scene = new Scene();
    const left = await scene.node(a);
    await assert.rejects(left.driver.listen(a, 179), /10\.0\.0\.1:179 is in use/);
  });

  test("does the same over real sockets", { timeout: 20_000 }, async () => {
    scene = new Scene();
    const learned = Promise.withResolvers<void>();
    const lost = Promise.withResolvers<string>();
    const make = (address: string, other: string, port: number): SpeakerDriver => {
      const identifier = parseIpv4(address) ?? 0;
      const driver: SpeakerDriver = new SpeakerDriver({
        config: {
          asn: 64512,
          identifier,
          clusterId: identifier,
          ownAddresses: [address],
          // No route has a loopback address for a next hop.
          nextHopSelf: { 4: "192.0.2.1" },
        },
        tcp: nodeTcp,
        clock: nodeClock,
        random: () => 1,
        localAddress: { 4: address },
        observer: {
          bestPathsChanged: ({ locRib }) => {
            if (address === "127.0.0.3" && locRib.size === 2) learned.resolve();
          },
          down: (_, { text }, wasEstablished) => {
            if (wasEstablished && address === "127.0.0.3") lost.resolve(text);
          },
        },
      });
      driver.speaker.addPeer(peerSettings(other, { port, passive: port === 0 }));
      return driver;
    };
    const listening = make("127.0.0.2", "127.0.0.3", 0);
    const port = await listening.listen("127.0.0.2", 0);
    listening.speaker.originate([prefix("10.244.1.0/24"), prefix("10.244.2.0/24")]);
    const dialling = make("127.0.0.3", "127.0.0.2", port);
    await learned.promise;
    await listening.stop({ silently: false, message: "good night" });
    assert.match(await lost.promise, /good night/);
    await dialling.stop({ silently: true });
  });
});

function dial(tcp: Tcp): Promise<TcpConnection> {
  return new Promise((connected, reject) => {
    tcp.dial({ address: a, port: 179, connected, failed: (reason) => reject(new Error(reason)) });
  });
}
