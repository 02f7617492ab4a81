import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { healthProblems } from "../../../src/api/health.ts";
import { StatusSchema } from "../../../src/gen/margay/v1/status_pb.ts";
import { EventLoopTurns } from "../../../src/agent/event-loop-turns.ts";
import { type FelixSources, felixViews } from "../../../src/agent/felix-views.ts";
import { EventHub } from "../../../src/agent/event-hub.ts";
import type { MetricSources } from "../../../src/agent/metrics/metric.ts";
import { expose, metrics } from "../../../src/agent/metrics/index.ts";
import { type StatusSources, statusView } from "../../../src/agent/status-view.ts";
import { peerView } from "../../../src/agent/peer-view.ts";
import type { Felix } from "../../../src/felix/felix.ts";
import type { FelixStatus } from "../../../src/felix/status.ts";
import { parseIpv4 } from "../../../src/net/ip-address.ts";
import { SpeakerDriver } from "../../../src/session/speaker-driver.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryNetwork } from "../../support/memory-tcp.ts";
import { peerRange, peerSettings, prefix } from "../../support/speaker-harness.ts";

const reflector = "10.0.0.1";
const clients = ["10.0.0.2", "10.0.0.3"] as const;

const felixStatus: FelixStatus = {
  protocol: 77,
  table: 254,
  metric: 0,
  encapsulation: "cross-subnet",
  counts: { installed: 5, adopted: 1, pending: 0, conflict: 2, error: 0, stale: 0 },
  forwarding: { enabled: true, switchedOn: false, problem: undefined },
  ipv6Forwarding: { enabled: true, switchedOn: false, problem: undefined },
  tunnels: [
    {
      ...{ device: "tunl0", kind: "ipip", needed: true, up: false, mtu: undefined, addresses: [] },
      isSupported: false,
      problem: { text: "kernel has no ipip", remedy: "modprobe ipip", errno: 95 },
    },
  ],
  local: [],
  adopted: 1,
  adoptedVersions: new Set([4]),
  pictureComplete: false,
  overlaps: [],
  mtu: {
    paths: [{ nextHop: "10.0.0.3", octets: 1400, how: "reported" }],
    smallest: { octets: 1380, text: "no more than 1400 octets get to 10.0.0.3" },
    podInterfaces: [{ device: "cali1", mtu: 1500 }],
  },
  frozenRemovals: 0,
  lost: [],
  repairs: 3,
  overflows: 1,
  firewall: {
    ...{ table: "missing", guarded: ["ipip"], nodes: 3, masqueraded: ["10.233.0.0/16"] },
    masqueradedByOthers: ["10.244.0.0/16 by flannel in ip nat FLANNEL-POSTRTG"],
    passages: [{ place: "ip filter DOCKER-USER", pods: ["10.233.0.0/16"] }],
    obstacles: [
      {
        text: "inet mine forward drops packets of 10.233.0.0/16 by its policy",
        ...{ remedy: "put these rules into that chain: …", isSure: true, pods: ["10.233.0.0/16"] },
      },
    ],
    repairs: 4,
    problems: [
      {
        ...{ text: "nft(8) is not installed", remedy: "apt-get install nftables" },
        errno: undefined,
      },
    ],
  },
  lastResync: {
    reason: "start",
    wallMs: 1_700_000_000_000,
    durationMs: 12,
    routes: 6,
    versions: new Set([4]),
  },
};

async function linesOf(sources: MetricSources): Promise<Map<string, number>> {
  let text = "";
  for await (const piece of expose(sources)) text += piece;
  const lines = text.trimEnd().split("\n");
  const values = lines.filter((line) => !line.startsWith("#"));
  return new Map(
    values.map((line) => {
      const at = line.lastIndexOf(" ");
      const value = Number(line.slice(at + 1));
      assert.ok(!Number.isNaN(value), line);
      return [line.slice(0, at), value];
    }),
  );
}

/** A reflector with two clients, in one process. */
class Scene {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork({ bufferOctets: 64 * 1024 });
  readonly turns = new EventLoopTurns(this.clock);
  readonly drivers = new Map<string, SpeakerDriver>();

  async start(): Promise<void> {
    for (const address of [reflector, ...clients]) await this.#speaker(address);
    const { speaker } = this.driver;
    for (const client of clients) {
      speaker.addPeer(peerSettings(client, { client: true, passive: true, name: `of ${client}` }));
      this.drivers.get(client)?.speaker.addPeer(peerSettings(reflector));
    }
    await this.network.idle();
  }

  async #speaker(address: string): Promise<void> {
    const identifier = parseIpv4(address) ?? 0;
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
    });
    await driver.listen(address, 179);
    this.drivers.set(address, driver);
  }

  get driver(): SpeakerDriver {
    const driver = this.drivers.get(reflector);
    assert.ok(driver !== undefined);
    return driver;
  }

  get sources(): StatusSources {
    return {
      nodeName: 'a "reflector"',
      role: "reflector",
      startedWallMs: 1_700_000_000_000,
      driver: this.driver,
      listenAddresses: [],
      clock: this.clock,
      turns: this.turns,
    };
  }

  /** The value of every line, by what stands before it. */
  async scrape(more: Partial<StatusSources> = {}): Promise<Map<string, number>> {
    return linesOf({ ...this.sources, ...more });
  }

  /** Has a client read nothing more. */
  stall(client: string): void {
    const driver = this.drivers.get(client);
    const peer = driver?.speaker.peer(reflector);
    driver?.endpoint(peer?.fsm.establishedConnection)?.setReading(false);
  }
}

describe("metrics", () => {
  let scene = new Scene();

  afterEach(async () => {
    await Promise.all([...scene.drivers.values()].map((driver) => driver.stop({ silently: true })));
    await scene.network.idle();
  });

  test("show sessions, prefixes and messages of every peer", async () => {
    scene = new Scene();
    await scene.start();
    scene.drivers
      .get(clients[0])
      ?.speaker.originate([prefix("10.244.1.0/24"), prefix("10.244.2.0/24")]);
    await scene.network.idle();
    scene.clock.advance(5000);
    const found = await scene.scrape();
    const expected = {
      'margay_build_info{version="0.1.0",role="reflector",node="a \\"reflector\\""}': 1,
      'margay_peers{state="Established"}': 2,
      'margay_peers{state="Idle"}': 0,
      'margay_peer_info{peer="10.0.0.2",name="of 10.0.0.2",kind="mesh"}': 1,
      'margay_peer_established{peer="10.0.0.3"}': 1,
      'margay_peer_uptime_seconds{peer="10.0.0.3"}': 5,
      'margay_peer_flaps_total{peer="10.0.0.2"}': 0,
      'margay_peer_messages_received_total{peer="10.0.0.2",type="open"}': 1,
      'margay_peer_messages_sent_total{peer="10.0.0.3",type="update"}': 2,
      'margay_peer_prefixes_received{peer="10.0.0.2",family="ipv4-unicast"}': 2,
      'margay_peer_prefixes_accepted{peer="10.0.0.2",family="ipv4-unicast"}': 2,
      'margay_peer_prefixes_sent{peer="10.0.0.2",family="ipv4-unicast"}': 0,
      'margay_peer_prefixes_sent{peer="10.0.0.3",family="ipv4-unicast"}': 2,
      'margay_rib_prefixes{family="ipv4-unicast"}': 2,
      'margay_rib_paths{family="ipv4-unicast"}': 2,
      'margay_rib_undecided_prefixes{family="ipv4-unicast"}': 0,
      margay_rib_path_attributes: 1,
      'margay_update_group_members{family="ipv4-unicast",group="client, extended messages, no long-lived stale paths"}': 2,
    };
    for (const [name, value] of Object.entries(expected))
      assert.equal(found.get(name), value, name);
    assert.ok(!found.has('margay_peer_prefixes_sent{peer="10.0.0.2",family="ipv6-unicast"}'));
    assert.ok([...found.keys()].every((name) => !name.startsWith("margay_fib")));
    assert.ok((found.get('margay_rib_table_bytes{family="",table="path-attributes"}') ?? 0) > 1e6);
  });

  test("count those from ranges, and those who were turned away", async () => {
    scene = new Scene();
    await scene.start();
    const { speaker } = scene.driver;
    speaker.setRanges([peerRange("10.1.0.0/16", {}, 1)]);
    for (const from of ["10.1.0.1", "10.1.0.2", "10.1.0.3", "192.0.2.1"]) speaker.accepted(from);
    const found = await scene.scrape();
    assert.equal(found.get('margay_range_peers{range="10.1.0.0/16"}'), 1);
    assert.equal(found.get('margay_range_limit{range="10.1.0.0/16"}'), 1);
    assert.equal(found.get('margay_range_refused_total{range="10.1.0.0/16"}'), 2);
    assert.equal(found.get("margay_strangers_refused_total"), 1);
  });

  test("show what waits for a client that does not read, in status, too", async () => {
    scene = new Scene();
    await scene.start();
    const [sender, sluggard] = clients;
    scene.stall(sluggard);
    const prefixes = Array.from({ length: 40_000 }, (_, at) =>
      prefix(`10.${at >>> 8}.${at & 255}.0/24`),
    );
    scene.drivers.get(sender)?.speaker.originate(prefixes);
    await scene.network.idle();
    const found = await scene.scrape();
    const queued = found.get(`margay_peer_send_queue_bytes{peer="${sluggard}"}`) ?? 0;
    const logged = found.get(`margay_peer_log_bytes{peer="${sluggard}"}`) ?? 0;
    assert.ok(queued >= 64 * 1024, `${queued} octets in the socket`);
    // Every prefix of a /24 is four octets, and each is either in the socket or in the log.
    assert.ok(queued + logged >= 160_000 - 8192, `${queued} + ${logged} octets`);
    assert.equal(found.get(`margay_peer_log_bytes{peer="${sender}"}`), 0);
    const labels =
      'family="ipv4-unicast",group="client, extended messages, no long-lived stale paths"';
    assert.ok((found.get(`margay_update_group_bytes{${labels},part="log"}`) ?? 0) >= logged);
    const { memory } = statusView(scene.sources);
    assert.equal(memory?.sendQueueBytes, BigInt(queued));
    assert.equal(memory?.tables?.find(({ table }) => table === "loc-rib")?.entries, 40_000);
    const peer = scene.driver.speaker.peer(sluggard);
    assert.ok(peer !== undefined);
    const { queues } = peerView(peer, scene.driver, scene.clock);
    assert.deepEqual([queues?.sendBytes, queues?.logBytes], [BigInt(queued), BigInt(logged)]);
  });

  test("count what peers do wrong, by peer and by kind, and show it in peer and status", async () => {
    scene = new Scene();
    await scene.start();
    const { driver } = scene;
    const [client, other] = clients;
    // The prefix 127.1.0.0/16, which is nobody's.
    scene.drivers.get(client)?.speaker.originate([prefix("127.1.0.0/16"), prefix("10.1.0.0/24")]);
    await scene.network.idle();
    const values = await scene.scrape();
    const martian = 'kind="martian-prefix"';
    assert.equal(values.get(`margay_peer_offences_total{peer="${client}",${martian}}`), 1);
    assert.equal(values.get(`margay_peer_offences_total{peer="${other}",${martian}}`), undefined);
    assert.equal(values.get(`margay_offences_total{${martian}}`), 1);
    assert.equal(values.get('margay_offences_total{kind="silence"}'), 0);
    const text = "UPDATEs with prefixes that are nobody's (RFC 6890)";
    const expected = [{ kind: "martian-prefix", text, count: 1n }];
    const peer = driver.speaker.peer(client);
    assert.ok(peer !== undefined);
    assert.deepEqual(peerView(peer, driver, scene.clock).offences, expected);
    assert.deepEqual(statusView(scene.sources).offences, expected);
    // They stay when the peer is forgotten.
    driver.speaker.removePeer(client);
    assert.deepEqual(statusView(scene.sources).offences, expected);
  });

  test("make a histogram of the event loop's turns", async () => {
    scene = new Scene();
    await scene.start();
    for (const durationMs of [0.3, 4, 19.9, 20, 49, 700, 9000]) scene.turns.record(durationMs);
    const found = await scene.scrape();
    const bucket = (le: string): number | undefined =>
      found.get(`margay_event_loop_turn_seconds_bucket{le="${le}"}`);
    assert.deepEqual(
      ["0.0001", "0.001", "0.005", "0.02", "0.05", "1", "5", "+Inf"].map(bucket),
      [0, 1, 2, 4, 5, 6, 6, 7],
    );
    assert.equal(found.get("margay_event_loop_turn_seconds_count"), 7);
    assert.equal(found.get('margay_event_loop_turn_maximum_seconds{since="last-minute"}'), 9);
    const { eventLoop } = statusView(scene.sources);
    assert.deepEqual([eventLoop?.sinceStart?.count, eventLoop?.sinceStart?.medianMs], [7n, 20]);
  });

  test("show the programmer and the configuration of a node", async () => {
    scene = new Scene();
    await scene.start();
    const found = await scene.scrape({
      felix: { status: () => felixStatus } as Felix, // all that the metrics read of it
      config: {
        file: "node.yaml",
        lastReload: { seconds: 1_700_000_000n, nanos: 0 },
        lastReloadOk: false,
      },
    });
    const expected = {
      'margay_fib_routes{state="installed"}': 5,
      'margay_fib_routes{state="conflict"}': 2,
      margay_fib_repairs_total: 3,
      margay_fib_event_overflows_total: 1,
      margay_fib_complete: 0,
      margay_fib_firewall_problem: 1,
      margay_fib_firewall_obstacles: 1,
      margay_fib_firewall_repairs_total: 4,
      margay_fib_last_resync_timestamp_seconds: 1_700_000_000,
      margay_fib_last_resync_duration_seconds: 0.012,
      margay_fib_ip_forward: 1,
      margay_fib_tunnel_missing: 1,
      'margay_fib_path_mtu_bytes{next_hop="10.0.0.3"}': 1400,
      margay_fib_route_mtu_bytes: 1380,
      margay_fib_pod_interfaces_above_route_mtu: 1,
      margay_config_last_reload_successful: 0,
      margay_config_last_reload_timestamp_seconds: 1_700_000_000,
    };
    for (const [name, value] of Object.entries(expected))
      assert.equal(found.get(name), value, name);
  });

  test("of a programmer in a process of its own are its own, the FIB's, and how its speaker is", async () => {
    scene = new Scene();
    await scene.start();
    const { startedWallMs, clock, turns } = scene.sources;
    const felix = { status: () => felixStatus } as Felix; // all that the metrics and the status read of it
    const sources: FelixSources = {
      ...{ nodeName: "a1", role: "felix", asn: 64512, routerId: "192.168.1.2" },
      ...{ startedWallMs, clock, turns, felix },
      feed: { isConnected: false, routes: 7, staleRoutes: 5 },
    };
    const found = await linesOf(sources);
    const expected = {
      'margay_build_info{version="0.1.0",role="felix",node="a1"}': 1,
      'margay_fib_routes{state="installed"}': 5,
      margay_feed_connected: 0,
      margay_feed_routes: 7,
      margay_feed_stale_routes: 5,
    };
    for (const [name, value] of Object.entries(expected))
      assert.equal(found.get(name), value, name);
    assert.ok(![...found.keys()].some((name) => /^margay_(peer|rib|range)/.test(name)));
    const status = felixViews(() => sources, new EventHub()).status();
    assert.deepEqual([status.role, status.routes, status.fib?.installed], ["felix", 7, 6]);
    assert.equal(status.firewall?.table, "missing");
    const speaker = await scene.scrape({ role: "speaker", followers: 1 });
    assert.equal(speaker.get("margay_feed_followers"), 1);
    assert.ok(!speaker.has("margay_feed_connected"));
  });

  test("a pod whose packets are too large is a warning that makes nobody unhealthy", async () => {
    scene = new Scene();
    await scene.start();
    const felix = { status: () => felixStatus } as Felix; // all that the status reads of it
    const status = create(StatusSchema, statusView({ ...scene.sources, felix }));
    const [podMtu] = status.warnings.filter(({ name }) => name === "pod-mtu");
    assert.equal(
      podMtu?.text,
      "cali1 of a pod has MTU 1500, and routes take 1380: no more than 1400 octets get to 10.0.0.3",
    );
    const problems = healthProblems(status);
    assert.ok(problems.includes("kernel has no ipip"));
    assert.deepEqual(status.firewall?.masqueraded, ["10.233.0.0/16"]);
    assert.ok(!problems.includes(podMtu?.text ?? ""));
  });

  test("what drops packets of pods makes unhealthy, what may drop them does not, and the firewall's line is in the status", async () => {
    scene = new Scene();
    await scene.start();
    const problemsWith = (isSure: boolean): { problems: string[]; passages: string[] } => {
      const firewall = felixStatus.firewall as NonNullable<FelixStatus["firewall"]>;
      const obstacles = firewall.obstacles.map((obstacle) => ({ ...obstacle, isSure }));
      const now: FelixStatus = { ...felixStatus, firewall: { ...firewall, obstacles } };
      const felix = { status: () => now } as Felix; // all that the status reads of it
      const status = create(StatusSchema, statusView({ ...scene.sources, felix }));
      assert.deepEqual(
        status.warnings.filter(({ name }) => name === "pods-dropped").map(({ text }) => text),
        obstacles.map(({ text }) => text),
      );
      return { problems: healthProblems(status), passages: status.firewall?.passages ?? [] };
    };
    const text = "inet mine forward drops packets of 10.233.0.0/16 by its policy";
    assert.ok(problemsWith(true).problems.includes(text));
    assert.ok(!problemsWith(false).problems.includes(text));
    assert.deepEqual(problemsWith(true).passages, ["10.233.0.0/16 through ip filter DOCKER-USER"]);
  });

  test("are all in docs/OPERATIONS.md, and none besides", () => {
    const path = join(import.meta.dirname, "../../../docs/OPERATIONS.md");
    const rows = readFileSync(path, "utf8").matchAll(
      /^\| `(\w+)(?:\{[\w,]*\})?` \| (\w+) \| [^|]+ \|$/gm,
    );
    const documented = [...rows].map(([, name, type]) => `${name} ${type}`);
    assert.deepEqual(
      documented.toSorted(),
      metrics.map(({ name, type }) => `${name} ${type}`).toSorted(),
    );
  });

  test("are named by Prometheus' rules: base units, counters in _total", () => {
    for (const { name, type, help } of metrics) {
      assert.match(name, /^(margay|process|nodejs)_[a-z][a-z_]*[a-z]$/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
      assert.match(help, /^[A-Z].*[^.]$/);
    }
  });
});
