import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { selectByPrefix } from "../../../src/api/prefix-filter.ts";
import type {
  EventView,
  FibEntryView,
  ObeyedOrder,
  PeerOrder,
  PeerView,
  RouteView,
  StatusView,
  Views,
} from "../../../src/api/views.ts";
import { FibEntrySchema } from "../../../src/gen/margay/v1/fib_pb.ts";
import { PeerSchema } from "../../../src/gen/margay/v1/peer_pb.ts";
import { RouteSchema } from "../../../src/gen/margay/v1/route_pb.ts";
import { type Prefix, parsePrefix } from "../../../src/net/prefix.ts";

const since = timestampFromDate(new Date("2026-11-20T12:00:00Z"));

export const status: StatusView = {
  nodeName: "node-a",
  role: "node",
  asn: 64512,
  routerId: "192.168.1.2",
  version: "0.1.0",
  started: since,
  uptimeSeconds: 7380,
  listenAddresses: ["0.0.0.0:179"],
  peerStates: [
    { state: "Established", count: 1 },
    { state: "Active", count: 1 },
  ],
  routes: 2,
  fib: { wanted: 2, installed: 1, conflicts: 1 },
  kernel: {
    release: "6.12.0",
    ipip: "missing",
    ipipRemedy: "modprobe ipip",
    ipForward: true,
    routeProtocol: 77,
  },
  config: { file: "/etc/margay/node.yaml", lastReload: since, lastReloadOk: true },
  warnings: [
    { name: "ipip-unavailable", text: "The kernel has no ipip.", remedy: "modprobe ipip" },
  ],
  eventLoop: {
    lastMinute: { count: 1200n, medianMs: 0.1, p99Ms: 1.2, maximumMs: 5 },
    sinceStart: { count: 98_000n, medianMs: 0.08, p99Ms: 1.4, maximumMs: 31.25 },
  },
  memory: {
    residentBytes: 61_000_000n,
    heapBytes: 9_400_000n,
    externalBytes: 3_456_789n,
    tables: [
      { family: "ipv4-unicast", table: "prefixes", entries: 2, bytes: 13_312n },
      { family: "ipv4-unicast", table: "adj-rib-in", entries: 3, bytes: 34_816n },
      { family: "ipv6-unicast", table: "prefixes", entries: 0, bytes: 25_600n },
      { family: "", table: "path-attributes", entries: 1, bytes: 1_056_768n },
    ],
    updateGroups: [
      {
        family: "ipv4-unicast",
        name: "internal",
        members: 1,
        logBytes: 120n,
        encoderBytes: 17_408n,
      },
    ],
  },
};

export const healthyStatus: StatusView = {
  ...(status as object),
  peerStates: [{ state: "Established", count: 2 }],
  fib: { wanted: 2, installed: 2 },
  warnings: [],
};

export const nodeB: PeerView = {
  transport: {
    md5: true,
    ttl: 255,
    minimumTtl: 254,
    dscp: 48,
    userTimeoutSeconds: 480,
    device: "eth0",
  },
  address: "192.168.1.3",
  port: 179,
  name: "node-b",
  kind: "mesh",
  localAsn: 64512,
  remoteAsn: 64512,
  state: "Established",
  since,
  uptimeSeconds: 3600,
  families: [
    { family: "ipv4-unicast", received: 3, accepted: 2, advertised: 1, nextHopSelf: "192.168.1.2" },
  ],
  messagesIn: { open: 1n, update: 2n, keepalive: 120n },
  messagesOut: { open: 1n, update: 1n, keepalive: 121n },
  remoteIdentifier: "192.168.1.3",
  negotiated: {
    holdTimeSeconds: 90,
    localHoldTimeSeconds: 90,
    peerHoldTimeSeconds: 180,
    keepaliveSeconds: 30,
    sendHoldTimeSeconds: 480,
    localRole: "customer",
    peerRole: "provider",
    families: ["ipv4-unicast"],
    fourOctetAs: true,
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessages: true,
    gracefulRestart: { restartTimeSeconds: 120, families: ["ipv4-unicast"] },
  },
  localCapabilities: [{ code: 1, name: "multiprotocol", text: "ipv4-unicast" }],
  remoteCapabilities: [{ code: 199, name: "unknown", text: "0102" }],
  localEndpoint: "192.168.1.2:41000",
  remoteEndpoint: "192.168.1.3:179",
  queues: { logBytes: 1234n, sendBytes: 262_144n },
};

export const nodeC: PeerView = {
  address: "192.168.2.2",
  port: 179,
  name: "node-c",
  kind: "mesh",
  localAsn: 64512,
  remoteAsn: 64512,
  state: "Active",
  since,
  flaps: 1,
  lastDown: {
    time: since,
    event: "HoldTimer_Expires",
    text: "nothing heard for 90 s",
    direction: "sent",
    code: 4,
    subcode: 0,
    notification: "Hold Timer Expired",
  },
};

export const routeB: RouteView = {
  prefix: "10.233.2.0/24",
  candidates: [
    {
      best: true,
      peer: "192.168.1.3",
      peerName: "node-b",
      nextHop: "192.168.1.3",
      localPref: 100,
      origin: "IGP",
      identifier: "192.168.1.3",
      status: "best",
      reason: { name: "originator-id", text: "lowest BGP Identifier" },
      ageSeconds: 3600,
    },
    {
      peer: "192.168.1.9",
      nextHop: "192.168.1.3",
      localPref: 100,
      med: 5,
      asPath: "64513 {64514,64515}",
      origin: "Incomplete",
      originatorId: "192.168.1.3",
      clusterList: ["192.168.1.9"],
      communities: ["64512:100"],
      identifier: "192.168.1.9",
      status: "lost",
      reason: { name: "as-path-length", text: "AS_PATH of 2 is longer than 0 of 192.168.1.3" },
      stale: true,
      ageSeconds: 59,
    },
  ],
};

export const routeLocal: RouteView = {
  prefix: "10.233.1.0/24",
  candidates: [
    {
      best: true,
      peer: "local",
      nextHop: "0.0.0.0",
      origin: "IGP",
      status: "best",
      reason: { name: "only-path", text: "the only path" },
      ageSeconds: 7380,
    },
  ],
};

export const fibEntries: readonly FibEntryView[] = [
  {
    prefix: "10.233.2.0/24",
    state: "installed",
    wanted: {
      type: "unicast",
      via: "192.168.1.3",
      dev: "eth0",
      reason: "same-segment",
      reasonText: "192.168.1.3 is on 192.168.1.0/24 of eth0",
    },
    kernel: "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
  },
  {
    prefix: "10.233.3.0/24",
    state: "conflict",
    wanted: {
      type: "unicast",
      via: "192.168.2.2",
      dev: "tunl0",
      onlink: true,
      tunnel: true,
      reason: "other-segment",
      reasonText: "192.168.2.2 is behind 192.168.1.1",
    },
    kernel: "10.233.3.0/24 via 192.168.1.1 dev eth0 proto bird",
    owner: "bird",
    remedy: "stop bird or remove the route",
  },
];

/** Data that can be looked at through the API, changed and told of. */
export class FakeViews implements Views {
  currentStatus: StatusView = status;
  currentPeers: PeerView[] = [nodeB, nodeC];
  currentRoutes: RouteView[] = [routeLocal, routeB];
  currentFib: FibEntryView[] = [...fibEntries];
  explainAnswers = true;
  undone = "";
  readonly orders: (PeerOrder & { readonly addressOrName: string })[] = [];
  frozenRemovals = 0;
  readonly listeners = new Set<(event: EventView) => void>();
  #subscribed: (() => void)[] = [];

  status(): StatusView {
    return this.currentStatus;
  }

  peers(): Iterable<PeerView> {
    return this.currentPeers;
  }

  peer(addressOrName: string): PeerView | undefined {
    return this.currentPeers
      .map((view) => create(PeerSchema, view))
      .find(({ address, name }) => address === addressOrName || name === addressOrName);
  }

  controlPeer(addressOrName: string, order: PeerOrder): ObeyedOrder | undefined {
    this.orders.push({ addressOrName, action: order.action, message: order.message });
    const peer = this.peer(addressOrName);
    return peer && { peer, undone: this.undone };
  }

  routes(filter: Parameters<Views["routes"]>[0]): Iterable<RouteView> {
    return selectByPrefix(filter, this.currentRoutes, (route) =>
      prefixOf(create(RouteSchema, route).prefix),
    );
  }

  fib(filter: Parameters<Views["fib"]>[0]): Iterable<FibEntryView> {
    return selectByPrefix(filter, this.currentFib, (entry) =>
      prefixOf(create(FibEntrySchema, entry).prefix),
    );
  }

  async confirmRemovals(): Promise<number> {
    const routes = this.frozenRemovals;
    this.frozenRemovals = 0;
    return routes;
  }

  async explain(address: string): ReturnType<Views["explain"]> {
    if (!this.explainAnswers) await new Promise(() => {});
    if (address === "192.0.2.1") {
      return { address, steps: [], verdict: "No route of ours leads to 192.0.2.1." };
    }
    const ok = address === "10.233.2.7";
    const kernel = ok
      ? { title: "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay" }
      : { title: "protocol bird holds the prefix", remedy: "stop bird" };
    return {
      address,
      prefix: "10.233.2.0/24",
      ok,
      steps: [
        {
          stage: "session",
          ok: true,
          title: "Established with node-b",
          details: ["hold time 90 s"],
        },
        { stage: "kernel", ok, ...kernel },
      ],
      verdict: ok
        ? `${address} is reached through 192.168.1.3 on eth0.`
        : `${address} is not reached: protocol bird holds the prefix.`,
    };
  }

  subscribe(listener: (event: EventView) => void): () => void {
    this.listeners.add(listener);
    for (const resolve of this.#subscribed.splice(0)) resolve();
    return () => this.listeners.delete(listener);
  }

  tell(event: EventView): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Resolves when somebody watches. */
  async subscribed(): Promise<void> {
    if (this.listeners.size > 0) return;
    await new Promise<void>((resolve) => this.#subscribed.push(resolve));
  }
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
  return prefix;
}
