/**
 * The RIBs, by the classes that the daemon runs: a table as of the internet comes from one peer and goes to another.
 *
 *   node bench/rib.ts [PREFIXES=1000000] [ROUNDS=3]
 *
 * "intern" is the finding of attribute blocks by their octets and of prefixes in their table, on their own; "insert" is
 * the whole way of an UPDATE into the Adj-RIB-In; "decide and pack" is the Decision Process and the encoding for one
 * update group; then the same for the withdrawal.
 */
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ipv4Unicast } from "../src/bgp/family/index.ts";
import { headerOctets } from "../src/bgp/iana.ts";
import { scanUpdate, UpdateView } from "../src/bgp/message/scan-update.ts";
import { contextBits } from "../src/bgp/rib/context-bits.ts";
import { FamilyRib } from "../src/bgp/rib/family-rib.ts";
import { createMember } from "../src/bgp/rib/group-member.ts";
import { PathAttributeStore } from "../src/bgp/rib/path-attributes.ts";
import { PrefixTable } from "../src/bgp/rib/prefix-table.ts";
import { UpdateReceiver } from "../src/bgp/update-receiver.ts";
import { codec } from "../test/support/peer-view.ts";
import { nobody, profileOf, ribPeer, takeAll, standstill } from "../test/support/rib-harness.ts";
import { PathSource } from "../src/bgp/rib/source.ts";
import { buildLoads, countUpdates, type Load } from "./tester/load.ts";
import { announcementsOf } from "./tester/plan.ts";
import { figures } from "./cells.ts";

const prefixes = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const context = codec();

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function eachMessage(octets: Uint8Array, visit: (start: number, end: number) => void): void {
  for (let at = 0; at < octets.length; ) {
    const end = at + (((octets[at + 16] as number) << 8) | (octets[at + 17] as number));
    visit(at + headerOctets, end);
    at = end;
  }
}

/** Octets held outside and inside of the heap, garbage left out. */
function heldOctets(): number {
  // What one collection finds unused outside of the heap is given back by the next.
  for (let count = 0; count < 3; count++) collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

/** Nanoseconds per prefix and stage, and octets. */
type Round = Map<string, number>;

function timed(round: Round, stage: string, work: () => void): void {
  const startMs = performance.now();
  work();
  round.set(stage, ((performance.now() - startMs) * 1e6) / prefixes);
}

function internAlone(round: Round, { announce }: Load): void {
  const store = new PathAttributeStore(nobody);
  const table = new PrefixTable(4);
  const view = new UpdateView();
  const bits = contextBits(context);
  timed(round, "intern attributes", () => {
    eachMessage(announce, (start, end) => {
      scanUpdate(announce, start, end, view);
      const { attributesStart: from, attributesEnd: to } = view;
      assert.ok(store.intern(announce, from, to, bits) >= 0, "read without decoding");
    });
  });
  timed(round, "intern prefixes", () => {
    eachMessage(announce, (start, end) => {
      scanUpdate(announce, start, end, view);
      ipv4Unicast.walkNlri(
        announce,
        view.nlriStart,
        view.nlriEnd,
        false,
        (_, octets, at, bits_) => {
          table.intern(octets, at, bits_);
        },
      );
    });
  });
  assert.equal(table.size, prefixes);
}

function wholeWay(round: Round, { announce, withdraw }: Load): void {
  const before = heldOctets();
  const sender = ribPeer(1, { source: PathSource.client });
  const receiver = ribPeer(2, { source: PathSource.client });
  const store = new PathAttributeStore(nobody);
  const peerOf = (index: number) => (index === 1 ? sender : receiver);
  const rib = new FamilyRib(ipv4Unicast, store, peerOf, standstill);
  const updates = new UpdateReceiver(store, new Map([[ipv4Unicast.key, rib]]));
  const families = new Set([ipv4Unicast.key]);
  const source = { peer: 1, context, families, importPolicy: takeAll };
  let octets = 0;
  const member = createMember(2, (parts) => {
    for (const part of parts) octets += part.length;
    return true;
  });
  rib.join(profileOf(receiver, ipv4Unicast), member);
  const receive = (stage: string, load: Uint8Array): void => {
    timed(round, stage, () => {
      eachMessage(load, (start, end) => updates.receive(load, start, end, source, 0));
    });
  };
  const turn = (stage: string): void => {
    timed(round, stage, () => {
      while (rib.turn(() => {}));
    });
  };
  turn("join");
  receive("insert", announce);
  turn("decide and pack");
  assert.ok(octets > announce.length, "all was sent, with what a reflector adds");
  round.set("memory", heldOctets() - before);
  receive("remove", withdraw);
  turn("decide and pack withdrawals");
  while (rib.tidy());
  assert.equal(rib.prefixes.size, 0);
  round.set("memory when empty again", heldOctets() - before);
}

const announcements = announcementsOf({ senders: 1, prefixesEach: prefixes, traffic: "internet" });
const load = buildLoads(announcements).ofSenders[0] as Load;
const results: Round[] = [];
for (let count = 0; count < rounds; count++) {
  const round: Round = new Map();
  internAlone(round, load);
  wholeWay(round, load);
  results.push(round);
}

const number = new Intl.NumberFormat("en");
const updates = countUpdates(load.announce);
console.log(
  `${number.format(prefixes)} prefixes in ${number.format(updates)} UPDATEs, best of ${rounds}`,
);
for (const stage of results[0]?.keys() ?? []) {
  const best = Math.min(...results.map((round) => round.get(stage) as number));
  if (stage === "join") continue;
  const value = stage.startsWith("memory")
    ? `${figures(best / 2 ** 20)} MiB`.padStart(12) +
      `${figures(best / prefixes)} octets a prefix`.padStart(24)
    : `${figures(best)} ns`.padStart(12) + `${figures(1000 / best)} M prefixes/s`.padStart(24);
  console.log(stage.padEnd(30) + value);
}
