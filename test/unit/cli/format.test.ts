import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { formatEvent } from "../../../src/cli/format/event.ts";
import { formatExplanation } from "../../../src/cli/format/explanation.ts";
import { fibColumns } from "../../../src/cli/format/fib.ts";
import { formatPairs, pair } from "../../../src/cli/format/pairs.ts";
import { type Paint, plain } from "../../../src/cli/format/paint.ts";
import { formatBytes } from "../../../src/cli/format/bytes.ts";
import { formatPeer, peerColumns } from "../../../src/cli/format/peer.ts";
import { routeColumns, routeRows } from "../../../src/cli/format/route.ts";
import { formatStatus } from "../../../src/cli/format/status.ts";
import { type Column, Table } from "../../../src/cli/format/table.ts";
import { formatDuration } from "../../../src/api/duration.ts";
import { formatAge, formatDate } from "../../../src/cli/format/time.ts";
import { EventSchema } from "../../../src/gen/margay/v1/event_pb.ts";
import { ExplanationSchema } from "../../../src/gen/margay/v1/explanation_pb.ts";
import { FibEntrySchema } from "../../../src/gen/margay/v1/fib_pb.ts";
import { OffenceCountSchema, PeerSchema } from "../../../src/gen/margay/v1/peer_pb.ts";
import { RouteSchema } from "../../../src/gen/margay/v1/route_pb.ts";
import { StatusSchema } from "../../../src/gen/margay/v1/status_pb.ts";
import { fibEntries, nodeB, nodeC, routeB, status } from "../api/fake-views.ts";

const since = timestampFromDate(new Date("2026-11-20T12:00:00Z"));
const nowMs = Date.parse("2026-11-20T14:03:05Z");
const tagged: Paint = (tone, text) => `<${tone}>${text}</>`;

suite("times", () => {
  const durations = [
    [0, "0s"],
    [-3, "0s"],
    [59.9, "59s"],
    [60, "1m00s"],
    [304, "5m04s"],
    [3599, "59m59s"],
    [11_520, "3h12m"],
    [86_399, "23h59m"],
    [183_600, "2d03h"],
    [86_400 * 400, "400d00h"],
  ] as const;
  for (const [seconds, expected] of durations) {
    test(`${seconds} s is ${expected}`, () => assert.equal(formatDuration(seconds), expected));
  }

  test("ages and dates are empty without a time", () => {
    assert.equal(formatAge(since, nowMs), "2h03m");
    assert.equal(formatAge(undefined, nowMs), "");
    assert.equal(formatDate(since), "2026-11-20T12:00:00Z");
    assert.equal(formatDate(undefined), "");
  });
});

suite("tables", () => {
  interface Row {
    name: string;
    count: number;
    note: string;
  }
  const columns: Column<Row>[] = [
    { header: "NAME", value: (row) => row.name, tone: () => "good" },
    { header: "COUNT", value: (row) => String(row.count), align: "right" },
    { header: "DETAIL", wide: true, value: () => "more" },
    { header: "NOTE", value: (row) => row.note },
  ];
  const rows = [
    { name: "a", count: 7, note: "" },
    { name: "longer", count: 123_456, note: "says something" },
  ];
  const options = { wide: false, headers: true };

  test("columns align, empty cells are dashes, no blanks at the end", () => {
    assert.equal(
      new Table(columns, options).lines(rows),
      "NAME      COUNT   NOTE\na             7   -\nlonger   123456   says something\n",
    );
  });

  test("wide columns show when asked for, headers do not when not", () => {
    const table = new Table(columns, { wide: true, headers: false });
    assert.equal(table.lines(rows.slice(0, 1)), "a   7   more   -\n");
  });

  test("later batches keep the widths of the first and repeat no header", () => {
    const table = new Table(columns, options);
    table.lines(rows.slice(0, 1));
    assert.equal(table.lines(rows.slice(1)), "longer   123456   says something\n");
    assert.equal(table.lines([]), "");
  });

  test("on a terminal the last cell is cut to fit, but not with -o wide", () => {
    const narrow = new Table(columns, { ...options, terminalColumns: 30 });
    assert.equal(narrow.lines(rows).split("\n")[2], "longer   123456   says someth…");
    const wide = new Table(columns, { wide: true, headers: true, terminalColumns: 30 });
    assert.match(wide.lines(rows), /says something/);
  });

  test("colours do not count as width", () => {
    const table = new Table(columns, { ...options, paint: tagged });
    assert.equal(table.lines(rows).split("\n")[1], "<good>a</>             7   -");
  });

  test("no items give the header alone", () => {
    assert.equal(new Table(columns, options).lines([]), "NAME   COUNT   NOTE\n");
  });
});

suite("pairs", () => {
  test("labels stand in a column, further lines below, empty ones nowhere", () => {
    const text = formatPairs([
      pair("a", ["one", "", "two"]),
      undefined,
      pair("long", ["x"]),
      pair("b", [""]),
    ]);
    assert.equal(text, "a      one\n       two\nlong   x\n");
  });
});

suite("status", () => {
  const format = (change: MessageInitShape<typeof StatusSchema> = {}): string =>
    formatStatus(create(StatusSchema, { ...(status as object), ...change }), nowMs, plain);

  test("says everything that an operator looks for", () => {
    assert.equal(
      format(),
      [
        "node        node-a, AS 64512, router ID 192.168.1.2, margay 0.1.0",
        "up          2h03m, since 2026-11-20T12:00:00Z",
        "listening   0.0.0.0:179",
        "peers       2: 1 Established, 1 Active",
        "routes      2 prefixes in the Loc-RIB",
        "fib         2 wanted, 1 installed, 1 conflict",
        "kernel      6.12.0, no ipip, ip_forward on, our routes bear protocol 77",
        "            → modprobe ipip",
        "config      /etc/margay/node.yaml, read 2h03m ago",
        "loop        median 0.10 ms, p99 1.2 ms, maximum 5.0 ms of 1200 turns in the last minute",
        "            median 0.08 ms, p99 1.4 ms, maximum 31.3 ms of 98000 turns since the start",
        "memory      61 MB resident; in use 9.4 MB of objects, 3.5 MB of buffers",
        "tables      ipv4-unicast prefixes: 2 prefixes in 13 kB",
        "            ipv4-unicast adj-rib-in: 3 paths in 35 kB",
        "            path-attributes: 1 set of attributes in 1.1 MB",
        "groups      ipv4-unicast internal: 1 member, log 120 B, dumps 0 B, missed 0 B, encoder 17 kB",
        "queues      0 B to work off, 0 B in the sockets",
        "warning     The kernel has no ipip.",
        "            → modprobe ipip",
        "",
      ].join("\n"),
    );
  });

  test("the firewall has a line of its own, with what others do already and what they are kept from", () => {
    const firewall = {
      ...{ table: "in place", guarded: ["ipip"], nodes: 3, masqueraded: ["10.99.0.0/16"] },
      masqueradedByOthers: ["10.244.0.0/16 by flannel in ip nat FLANNEL-POSTRTG"],
      ...{ passages: ["10.233.0.0/16 through ip filter DOCKER-USER"], repairs: 2n },
    };
    assert.ok(
      format({ firewall }).includes(
        "firewall    table inet margay in place, ipip from 3 nodes only, masquerades 10.99.0.0/16, " +
          "masqueraded are 10.244.0.0/16 by flannel in ip nat FLANNEL-POSTRTG, " +
          "lets 10.233.0.0/16 through ip filter DOCKER-USER, 2 repairs\n",
      ),
      format({ firewall }),
    );
  });

  test("a refused reload shows its problems", () => {
    const text = format({
      config: {
        file: "node.yaml",
        lastReload: since,
        lastReloadOk: false,
        problems: ["node.yaml:3:1: unknown key", "node.yaml:9:5: host bits set"],
      },
    });
    assert.match(
      text,
      /config {6}node\.yaml, refused, read 2h03m ago; the one before it is in force\n {12}node\.yaml:3:1: unknown key\n {12}node\.yaml:9:5/,
    );
  });

  test("a reflector without peers has no word of kernel, FIB and configuration", () => {
    const reflector = create(StatusSchema, {
      role: "reflector",
      routerId: "192.0.2.1",
      asn: 64512,
    });
    const text = formatStatus(reflector, nowMs, plain);
    assert.match(text, /^reflector {3}192\.0\.2\.1, AS 64512/);
    assert.match(text, /peers {7}none\n/);
    assert.doesNotMatch(text, /kernel|fib|config|lag/);
  });
});

suite("peers", () => {
  const rowsOf = (views: (typeof nodeB)[], wide = false): string =>
    new Table(
      peerColumns(() => nowMs),
      { wide, headers: false },
    ).lines(views.map((view) => ({ peer: create(PeerSchema, view) })));

  test("one line each, with why it was last down", () => {
    const [up, down] = rowsOf([nodeB, nodeC]).split("\n");
    assert.deepEqual(up?.split(/ {2,}/), [
      "192.168.1.3",
      "node-b",
      "64512",
      "Established",
      "2h03m",
      "3",
      "2",
      "1",
      "-",
    ]);
    assert.match(down ?? "", /Active .* nothing heard for 90 s \(2h03m ago\)$/);
  });

  test("wide adds identifier, hold time, messages and endpoints", () => {
    const text = rowsOf([nodeB], true);
    assert.match(
      text,
      /mesh {3}192\.168\.1\.3 {3}90s {3}123 {3}123 {3}0 {3}192\.168\.1\.2:41000→192\.168\.1\.3:179/,
    );
  });

  test("a removed peer and one of any AS", () => {
    const peer = create(PeerSchema, { address: "192.0.2.7", state: "Idle" });
    const table = new Table(
      peerColumns(() => nowMs),
      { wide: false, headers: false },
    );
    assert.match(table.lines([{ peer, removed: true }]), /^192\.0\.2\.7 {3}- {3}any {3}removed/);
  });

  test("one peer in full", () => {
    const text = formatPeer(create(PeerSchema, nodeB), nowMs, plain);
    assert.match(text, /^peer {11}192\.168\.1\.3 port 179 \(node-b\), AS 64512, internal\n/);
    assert.match(text, /state {10}Established for 2h03m, since 2026-11-20T12:00:00Z\n/);
    assert.match(
      text,
      /negotiated {5}hold time 90 s \(we offered 90 s, the peer 180 s\), keepalive 30 s, send hold time 480 s\n {15}ipv4-unicast, 4-octet AS, enhanced route refresh, extended messages\n {15}graceful restart within 2m00s, keeps forwarding: ipv4-unicast\n {15}roles: we are customer, the peer is provider\n/,
    );
    assert.match(
      text,
      /ipv4-unicast {3}3 received, 2 accepted \(1 refused by policy\), 1 advertised\n {15}192\.168\.1\.2 is our own next hop\n/,
    );
    assert.match(
      text,
      /in {2}123: 1 OPEN, 2 UPDATE, 120 KEEPALIVE, 0 NOTIFICATION, 0 ROUTE-REFRESH\n/,
    );
    assert.match(
      text,
      /MD5: yes, TTL 255, TTL security: at least 254, DSCP 48 \(CS6\), user timeout 8m00s, device eth0\n/,
    );
    assert.match(text, /queues {9}0 B to work off, 1\.2 kB to send, 262 kB in the socket\n/);
    assert.match(text, /peer offered {3}code 199: 0102\n/);
    assert.doesNotMatch(text, /last down/);
  });

  test("what a peer did wrong is a line for each kind", () => {
    const peer = create(PeerSchema, nodeB);
    peer.offences = [
      { kind: "treat-as-withdraw", text: "malformed UPDATEs", count: 3n },
      { kind: "martian-prefix", text: "UPDATEs with prefixes that are nobody's", count: 1n },
    ].map((offence) => create(OffenceCountSchema, offence));
    const text = formatPeer(peer, nowMs, plain);
    assert.match(
      text,
      /offences {7}3 × treat-as-withdraw: malformed UPDATEs\n {15}1 × martian-prefix: UPDATEs with prefixes that are nobody's\n/,
    );
    assert.doesNotMatch(formatPeer(create(PeerSchema, nodeB), nowMs, plain), /offences/);
  });

  test("so is what all of them did, and who was turned away, in the status", () => {
    const offences = [{ kind: "silence", text: "nothing came", count: 50n }];
    const refused = { strangers: 500n, overLimit: 2n };
    const of = (more: object): string =>
      formatStatus(create(StatusSchema, { ...status, ...more }), nowMs, plain);
    const text = of({ offences, refused });
    assert.match(text, /offences +50 × silence: nothing came\n/);
    assert.match(text, /refused +connections: 500 of strangers, 2 over the limit of their range\n/);
    assert.doesNotMatch(of({ refused: { strangers: 0n, overLimit: 0n } }), /offences|refused/);
  });

  test("one that is down says with which NOTIFICATION", () => {
    const text = formatPeer(create(PeerSchema, nodeC), nowMs, plain);
    assert.match(
      text,
      /last down {3}nothing heard for 90 s \(HoldTimer_Expires, 2h03m ago\)\n {12}NOTIFICATION sent: 4\/0 Hold Timer Expired\n/,
    );
    assert.doesNotMatch(text, /negotiated|offered/);
  });

  test("a limit on prefixes shows, with what was refused for it", () => {
    const families = [
      { family: "ipv4-unicast", received: 10, accepted: 10, limit: 10, discarded: 7 },
    ];
    const text = formatPeer(create(PeerSchema, { ...(nodeB as object), families }), nowMs, plain);
    assert.match(
      text,
      /ipv4-unicast {3}10 received.*\n {15}no address of our own as next hop.*\n {15}at most 10, 7 refused above it\n/,
    );
  });

  test("our own next hop shows, with the link-local address that goes out beside it", () => {
    const negotiated = { families: ["ipv6-unicast"] };
    const family = { family: "ipv6-unicast", nextHopSelf: "2001:db8::1", linkLocalSelf: "fe80::1" };
    const peer = { ...(nodeB as object), negotiated, families: [family] };
    const text = formatPeer(create(PeerSchema, peer), nowMs, plain);
    assert.match(text, / {2}2001:db8::1 is our own next hop, with fe80::1 beside it\n/);
  });

  test("one that is held down says why", () => {
    const held = 'disabled by the operator: "back at noon"';
    const peer = create(PeerSchema, { ...(nodeC as object), state: "Idle", held });
    assert.match(formatPeer(peer, nowMs, plain), /Idle for 2h03m, since .*Z; disabled by the op/);
    const columns = peerColumns(() => nowMs);
    const line = new Table(columns, { wide: false, headers: false }).lines([{ peer }]);
    assert.ok(line.trimEnd().endsWith(held), line);
  });

  test("what is kept of a peer that is gone, and for how long it may be", () => {
    const families = [
      { family: "ipv4-unicast", received: 5, stale: 3, longLivedStale: 2, staleSecondsLeft: 3599 },
      { family: "ipv6-unicast", received: 1, stale: 1, staleSecondsLeft: 90 },
    ];
    const longLivedGracefulRestart = {
      families: [
        { family: "ipv4-unicast", offeredSeconds: 86_400, staleTimeSeconds: 3600 },
        { family: "ipv6-unicast", offeredSeconds: 60, staleTimeSeconds: 60 },
        { family: "25/65" },
      ],
    };
    const negotiated = { families: ["ipv4-unicast"], longLivedGracefulRestart };
    const peer = create(PeerSchema, { ...(nodeC as object), families, negotiated });
    const text = formatPeer(peer, nowMs, plain);
    assert.match(
      text,
      /long-lived graceful restart: ipv4-unicast kept for 1h00m \(of 1d00h asked for\), ipv6-unicast kept for 1m00s, 25\/65 not kept\n/,
    );
    assert.match(text, / {15}3 stale, 2 of them a last resort, for 59m59s more\n/);
    assert.match(text, / {15}1 stale, for 1m30s more\n/);
  });

  test("hold time 0 and no graceful restart are said in words", () => {
    const negotiated = { holdTimeSeconds: 0, families: ["ipv4-unicast"] };
    const text = formatPeer(create(PeerSchema, { ...(nodeC as object), negotiated }), nowMs, plain);
    assert.match(text, /no hold time, no keepalives\n/);
    assert.match(text, /ipv4-unicast, no 4-octet AS, no route refresh, no extended messages\n/);
    assert.match(text, /no graceful restart\n/);
    assert.doesNotMatch(text, /roles|extended optional parameters/);
  });

  test("so are a role that only one side names, and a peer that may read nothing for ever", () => {
    const negotiated = { holdTimeSeconds: 9, keepaliveSeconds: 3, localRole: "peer" };
    const text = formatPeer(create(PeerSchema, { ...(nodeC as object), negotiated }), nowMs, plain);
    assert.match(text, /hold time 9 s, keepalive 3 s, no send hold time\n/);
    assert.match(text, /roles: we are peer, the peer is nothing that it says\n/);
  });

  for (const [localExtendedParameters, peerExtendedParameters, shown] of [
    [true, true, "both OPENs"],
    [true, false, "our OPEN"],
    [false, true, "the peer's OPEN"],
  ] as const) {
    test(`so is who wrote optional parameters in the form of RFC 9072: ${shown}`, () => {
      const negotiated = { holdTimeSeconds: 9, localExtendedParameters, peerExtendedParameters };
      const peer = create(PeerSchema, { ...(nodeC as object), negotiated });
      const text = formatPeer(peer, nowMs, plain);
      assert.ok(text.includes(`extended optional parameters: ${shown}\n`), text);
    });
  }
});

suite("amounts of memory", () => {
  test("are in steps of 1000, with a decimal where there is but one digit", () => {
    const amounts = [0, 999, 1000, 1234, 9949, 9951, 999_499, 999_500, 2.5e9, 7e15];
    assert.deepEqual(
      amounts.map((bytes) => formatBytes(BigInt(bytes))),
      [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 kB",
        "9.9 kB",
        "10 kB",
        "999 kB",
        "1.0 MB",
        "2.5 GB",
        "7000 TB",
      ],
    );
  });
});

suite("routes", () => {
  const table = (): Table<ReturnType<typeof routeRows>[number]> =>
    new Table(routeColumns, { wide: false, headers: true });

  test("one line per candidate, with why it lost", () => {
    const lines = table()
      .lines(routeRows(create(RouteSchema, routeB)))
      .trimEnd()
      .split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)),
      [
        ["PREFIX", "STATUS", "PEER", "NEXT-HOP", "PREF", "MED", "AGE", "AS-PATH", "WHY"],
        [
          "10.233.2.0/24",
          "best",
          "192.168.1.3",
          "192.168.1.3",
          "100",
          "-",
          "1h00m",
          "i",
          "lowest BGP Identifier",
        ],
        [
          "10.233.2.0/24",
          "lost,stale",
          "192.168.1.9",
          "192.168.1.3",
          "100",
          "5",
          "59s",
          "64513 {64514,64515} ?",
          "AS_PATH of 2 is longer than 0 of 192.168.1.3",
        ],
      ],
    );
  });

  test("a last resort is told from what is stale for a while", () => {
    const route = create(RouteSchema, {
      prefix: "10.0.0.0/8",
      candidates: [{ status: "best", stale: true, longLivedStale: true }],
    });
    const text = new Table(routeColumns, { wide: false, headers: false }).lines(routeRows(route));
    assert.match(text, /^10\.0\.0\.0\/8 {3}best,llgr-stale /);
  });

  test("a MED of 0 is not an absent one, and a prefix that is gone says so", () => {
    const route = create(RouteSchema, {
      prefix: "10.0.0.0/8",
      candidates: [{ med: 0, status: "best" }],
    });
    const cells = table().lines(routeRows(route)).split("\n")[1]?.split(/ {2,}/);
    assert.deepEqual(cells, ["10.0.0.0/8", "best", "-", "-", "-", "0", "0s", "-", "-"]);
    const gone = table().lines([{ prefix: "10.0.0.0/8", candidate: undefined }]);
    assert.match(gone, /10\.0\.0\.0\/8 {3}withdrawn/);
  });
});

suite("FIB", () => {
  const lines = (entries: MessageInitShape<typeof FibEntrySchema>[]): string[] =>
    new Table(fibColumns, { wide: false, headers: false })
      .lines(entries.map((entry) => ({ entry: create(FibEntrySchema, entry) })))
      .split("\n");

  test("wire or tunnel and why, conflicts with owner, route and remedy", () => {
    assert.deepEqual(
      lines([...fibEntries]).map((line) => line.split(/ {2,}/)),
      [
        [
          "10.233.2.0/24",
          "installed",
          "192.168.1.3",
          "eth0",
          "wire",
          "192.168.1.3 is on 192.168.1.0/24 of eth0",
        ],
        [
          "10.233.3.0/24",
          "conflict",
          "192.168.2.2",
          "tunl0",
          "tunnel",
          "protocol bird holds it: 10.233.3.0/24 via 192.168.1.1 dev eth0 proto bird → stop bird or remove the route",
        ],
        [""],
      ],
    );
  });

  test("what the kernel said comes before why it was wanted; an unreachable route needs no device", () => {
    const refused = {
      prefix: "10.1.0.0/24",
      state: "error",
      wanted: {
        type: "unicast",
        via: "192.0.2.1",
        dev: "tunl0",
        tunnel: true,
        reasonText: "because",
      },
      error: "ENODEV: No such device",
      remedy: "modprobe ipip",
    };
    const own = {
      prefix: "10.2.0.0/24",
      state: "installed",
      wanted: { type: "unreachable", reason: "own-pod-cidr" },
    };
    const [first, second] = lines([refused, own]);
    assert.match(first ?? "", /tunnel {8}ENODEV: No such device → modprobe ipip$/);
    assert.match(second ?? "", /installed {3}- {11}- {7}unreachable {3}own-pod-cidr$/);
  });

  test("what a route takes and why no more, where there is room", () => {
    const wanted = { via: "192.168.2.2", dev: "tunl0", tunnel: true, mtu: 1480 };
    const entry = create(FibEntrySchema, {
      prefix: "10.1.0.0/24",
      state: "installed",
      wanted: { ...wanted, mtuText: "tunl0 sends no more" },
    });
    const table = new Table(fibColumns, { wide: true, headers: false });
    assert.match(table.lines([{ entry }]), / 1480: tunl0 sends no more /);
  });
});

suite("explanation", () => {
  const explanation = create(ExplanationSchema, {
    address: "10.233.2.7",
    prefix: "10.233.2.0/24",
    steps: [
      {
        stage: "session",
        ok: true,
        title: "Established",
        details: ["hold time 90 s", "2 prefixes"],
      },
      { stage: "kernel", ok: false, title: "refused", remedy: "modprobe ipip" },
    ],
    verdict: "10.233.2.7 is not reached.",
  });

  test("tells the chain with its break, what to do, and the verdict", () => {
    assert.equal(
      formatExplanation(explanation, plain),
      [
        "10.233.2.7 in 10.233.2.0/24",
        "✓ session   Established",
        "            hold time 90 s",
        "            2 prefixes",
        "✗ kernel    refused",
        "            → modprobe ipip",
        "10.233.2.7 is not reached.",
        "",
      ].join("\n"),
    );
  });

  test("marks what holds and what does not in colours", () => {
    const text = formatExplanation(explanation, tagged);
    assert.match(text, /<good>✓<\/> session/);
    assert.match(text, /<bad>✗<\/> kernel {4}<bad>refused<\/>/);
    assert.match(text, /<bad>10\.233\.2\.7 is not reached\.<\/>/);
  });
});

suite("events", () => {
  const line = (change: MessageInitShape<typeof EventSchema>["change"]): string =>
    formatEvent(
      create(EventSchema, { change } as MessageInitShape<typeof EventSchema>),
      plain,
    ).trim();

  test("peers: up, down with the reason, added, removed", () => {
    const value = { peer: nodeB, previousState: "OpenConfirm" };
    assert.equal(
      line({ case: "peer", value }),
      "peer     node-b (192.168.1.3) OpenConfirm → Established",
    );
    assert.equal(
      line({ case: "peer", value: { peer: nodeC, previousState: "Established" } }),
      "peer     node-c (192.168.2.2) Established → Active: nothing heard for 90 s",
    );
    assert.equal(
      line({ case: "peer", value: { peer: nodeC } }),
      "peer     node-c (192.168.2.2) added, Active",
    );
    assert.equal(
      line({ case: "peer", value: { peer: nodeC, removed: true } }),
      "peer     node-c (192.168.2.2) removed",
    );
  });

  test("routes: new, changed, withdrawn", () => {
    const prefix = "10.0.0.0/24";
    const viaA = { nextHop: "192.0.2.1", peer: "192.0.2.9" };
    const viaB = { nextHop: "192.0.2.2", peer: "192.0.2.9" };
    const text = (value: object): string => line({ case: "route", value });
    assert.equal(
      text({ prefix, best: viaA }),
      "route    10.0.0.0/24 via 192.0.2.1 from 192.0.2.9, new",
    );
    assert.equal(
      text({ prefix, best: viaA, previous: viaB }),
      "route    10.0.0.0/24 via 192.0.2.1 from 192.0.2.9, was via 192.0.2.2 from 192.0.2.9",
    );
    assert.match(text({ prefix, best: viaA, previous: viaA }), /attributes changed$/);
    assert.equal(text({ prefix, previous: viaA }), "route    10.0.0.0/24 withdrawn");
  });

  test("FIB and configuration", () => {
    const [installed, conflict] = fibEntries;
    assert.equal(
      line({ case: "fib", value: { entry: installed as object } }),
      "fib      10.233.2.0/24 installed via 192.168.1.3 dev eth0",
    );
    assert.match(
      line({ case: "fib", value: { entry: conflict as object } }),
      /conflict .*: held by protocol bird$/,
    );
    const config = { file: "n.yaml", lastReloadOk: false, problems: ["n.yaml:1:1: no"] };
    assert.match(
      line({ case: "config", value: { config } }),
      /n\.yaml refused, .*: n\.yaml:1:1: no$/,
    );
  });
});
