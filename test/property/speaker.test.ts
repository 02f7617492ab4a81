import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ipv4Unicast } from "../../src/bgp/family/index.ts";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import { encodeNotification } from "../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { encodeUpdate } from "../../src/bgp/message/update.ts";
import { codec } from "../support/peer-view.ts";
import {
  peerSettings,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../support/speaker-harness.ts";

const a = "10.0.0.1";
const good = "10.0.0.2";
const bad = "10.0.0.3";

/** A node with a good peer that announces two prefixes, and a bad one that comes as it likes. */
function scene(): { node: SpeakerNode; honest: ScriptedPeer; rogue: ScriptedPeer } {
  const network = new SpeakerNetwork();
  const node = network.speaker(a);
  for (const address of [good, bad]) {
    node.speaker.addPeer(peerSettings(address, { passive: true, client: true }));
  }
  const honest = new ScriptedPeer(node, good);
  honest.establish();
  honest.announce("10.244.1.0/24", "10.244.2.0/24");
  return { node, honest, rogue: new ScriptedPeer(node, bad) };
}

const rogueOpen = {
  asn: 64512,
  holdTimeSeconds: 90,
  bgpIdentifier: 0x0a000003,
  capabilities: [{ name: "multiprotocol" as const, afi: 1, safi: 1 }],
};

/** The honest peer's own prefix among them. */
const announcement = encodeUpdate(
  {
    withdrawn: [],
    announced: [{ prefix: "10.244.1.0/24" }, { prefix: "10.244.9.0/24" }],
    attributes: { origin: 0, asPath: [], localPref: 50, nextHop: bad },
    errors: [],
  },
  codec({ fourOctetAs: false }),
);
const withdrawal = encodeUpdate(
  {
    withdrawn: [{ prefix: "10.244.1.0/24" }, { prefix: "10.244.2.0/24" }],
    announced: [],
    attributes: {},
    errors: [],
  },
  codec(),
);

const messages: readonly Uint8Array[] = [
  encodeOpen(rogueOpen),
  encodeKeepalive(),
  encodeNotification({ code: 6, subcode: 2, data: new Uint8Array(0) }),
  encodeRouteRefresh({ afi: 1, safi: 1, subtype: 0 }),
  ...announcement,
  ...withdrawal,
];

const message = fc.constantFrom(...messages);
const changes = fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { maxLength: 3 });
const mutated = fc.tuple(message, changes, fc.nat(40)).map(([octets, list, cut]) => {
  const changed = octets.slice(0, cut < 5 ? octets.length - cut : octets.length);
  for (const { at, value } of list) changed[at % changed.length] = value;
  return changed;
});
const octets = fc.oneof(
  { weight: 6, arbitrary: mutated },
  { weight: 2, arbitrary: message },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }) },
);

describe("whatever octets a peer sends", () => {
  test("the speaker stands, answers in BGP, and no other session or route is touched", () => {
    const session = fc.tuple(fc.boolean(), fc.array(octets, { minLength: 1, maxLength: 12 }));
    const property = fc.property(fc.array(session, { minLength: 1, maxLength: 4 }), (sessions) => {
      const { node, honest, rogue } = scene();
      for (const [isOpened, list] of sessions) {
        rogue.connect();
        if (isOpened) {
          rogue.send(encodeOpen(rogueOpen));
          rogue.send(encodeKeepalive());
        }
        for (const one of list) rogue.send(one);
        checkHonest(node, honest);
        rogue.disconnect();
        node.network.advance(3);
      }
      node.network.advance(100);
      checkHonest(node, honest);
      // The rogue is gone, and so is all it said.
      assert.deepEqual(node.routes(), [
        "10.244.1.0/24 via 10.0.0.2 from 10.0.0.2",
        "10.244.2.0/24 via 10.0.0.2 from 10.0.0.2",
      ]);
      assert.equal(node.speaker.attributes.size, 1);
      assert.equal(node.speaker.ribs.get(ipv4Unicast.key)?.locRib.size, 2);
      assert.equal(node.connections.size, 1);
      assert.equal(honest.view.routes.size, 0);
    });
    fc.assert(property, { numRuns: 80 });
  });
});

function checkHonest(node: SpeakerNode, honest: ScriptedPeer): void {
  assert.equal(node.state(good), "Established");
  assert.deepEqual(honest.notifications(), []);
  assert.equal(node.speaker.peer(good)?.flaps, 0);
  const routes = node.routes();
  for (const prefix of ["10.244.1.0/24", "10.244.2.0/24"]) {
    assert.ok(
      routes.some((route) => route.startsWith(`${prefix} `)),
      `${prefix} is gone`,
    );
  }
  const rib = node.speaker.ribs.get(ipv4Unicast.key);
  const index = node.speaker.peer(good)?.index ?? 0;
  assert.deepEqual(rib?.paths.counts(index), { paths: 2, filtered: 0, stale: 0, longLived: 0 });
}

describe("a network of speakers, whatever happens to it", () => {
  const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const;
  const node = fc.nat(addresses.length - 1);
  const event = fc.oneof(
    fc.record({ do: fc.constant("originate" as const), node, count: fc.nat(3) }),
    fc.record({ do: fc.constantFrom("cut" as const, "mend" as const), node, other: node }),
    fc.record({ do: fc.constant("drop" as const), node, other: node }),
    fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constant("settle" as const) }),
  );

  for (const topology of ["mesh", "reflector"] as const) {
    test(`ends with the same routes everywhere: ${topology}`, () => {
      const property = fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const network = new SpeakerNetwork();
        const nodes = addresses.map((address) => network.speaker(address));
        const isPair = (left: number, right: number): boolean =>
          left !== right && (topology === "mesh" || left === 0 || right === 0);
        const settings = { holdTimeSeconds: 9, idleHoldMaximumSeconds: 8 };
        const keep = (from: number, to: number): void => {
          const client = topology === "reflector" && from === 0;
          const target = addresses[to] as string;
          nodes[from]?.speaker.addPeer(peerSettings(target, { ...settings, client }));
        };
        for (let left = 0; left < nodes.length; left++) {
          for (let right = 0; right < nodes.length; right++) {
            if (isPair(left, right)) keep(left, right);
          }
        }
        const originated = nodes.map((_, index) => [`10.244.${index}.0/24`]);
        const originate = (index: number, prefixes: string[]): void => {
          originated[index] = prefixes;
          nodes[index]?.originate(...prefixes);
        };
        for (const [index, prefixes] of originated.entries()) originate(index, prefixes);
        for (const step of events) {
          if (step.do === "settle") network.settle();
          else if (step.do === "wait") network.advance(step.seconds);
          else if (step.do === "originate") {
            const own = Array.from({ length: step.count }, (_, n) => `10.24${n}.${step.node}.0/24`);
            originate(step.node, own);
          } else if (isPair(step.node, step.other)) {
            const [from, to] = [addresses[step.node], addresses[step.other]] as [string, string];
            if (step.do === "cut") network.cut(from, to);
            else if (step.do === "mend") network.mend(from, to);
            else {
              // Dropped from the configuration, and taken in again.
              nodes[step.node]?.speaker.removePeer(to);
              keep(step.node, step.other);
            }
          }
        }
        for (const from of addresses) for (const to of addresses) network.mend(from, to);
        network.advance(60);
        const expected = originated.flatMap((prefixes) => prefixes).sort();
        for (const here of nodes) {
          const found = here.routes().map((route) => route.split(" ")[0]);
          assert.deepEqual(found, expected, `the routes of ${here.address}`);
          const degree = topology === "mesh" || here.address === addresses[0] ? 3 : 1;
          assert.equal(here.connections.size, degree);
        }
      });
      fc.assert(property, { numRuns: 25 });
    });
  }
});
