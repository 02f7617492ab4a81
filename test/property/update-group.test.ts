import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { type Family, ipv4Unicast, ipv6Unicast } from "../../src/bgp/family/index.ts";
import { allPaths, type ExportProfile } from "../../src/bgp/rib/export-profile.ts";
import type { RibLimits } from "../../src/bgp/rib/rib-limits.ts";
import { PathSource } from "../../src/bgp/rib/source.ts";
import { parsePrefix, type Prefix, prefixContains } from "../../src/net/prefix.ts";
import { expectedRanking } from "../support/expected-decision.ts";
import { expectedExport } from "../support/expected-export.ts";
import { profileOf, RibHarness, ribPeer, type TestMember } from "../support/rib-harness.ts";

const sources = [
  PathSource.client,
  PathSource.client,
  PathSource.nonClient,
  PathSource.external,
  PathSource.client,
  PathSource.external,
] as const;
const peerCount = sources.length;
const isPaced = (peer: number): boolean => peer === 2 || peer === 5;
/** These announce several paths to a prefix. */
const addPathPeers = [1, 6];
const prefixCount = 20;

/** Few distinct blocks, so that prefixes share them; some are not to be passed on. */
const blocks: readonly PathAttributes[] = [
  { origin: 0, asPath: [], localPref: 100 },
  { origin: 0, asPath: [], localPref: 200, multiExitDisc: 5 },
  { origin: 2, asPath: [{ type: 2, asns: [65001, 70000] }], localPref: 100 },
  { origin: 0, asPath: [], localPref: 100, communities: [0xffffff02] },
  { origin: 0, asPath: [], localPref: 150, communities: [0xffffff01, 7] },
  { origin: 1, asPath: [{ type: 1, asns: [65001] }], localPref: 100, originatorId: 9 },
  { origin: 0, asPath: [], localPref: 300, originatorId: 9, clusterList: [1, 2] },
  { origin: 0, asPath: [] },
  { origin: 0, asPath: [], localPref: 300, communities: [7, 0xffff0006] },
  { origin: 0, asPath: [], localPref: 120, communities: [0xffff0007] },
];

type Command =
  | { readonly do: "announce"; peer: number; block: number; prefixes: number[]; pathId: number }
  | { readonly do: "withdraw"; peer: number; prefixes: number[]; pathId: number }
  | { readonly do: "limit"; peer: number; addPaths: number }
  | { readonly do: "filter"; peer: number; isFiltered: boolean }
  | {
      readonly do: "join" | "leave" | "refresh" | "lose" | "outlive" | "hold" | "release";
      peer: number;
    }
  | { readonly do: "drain"; peer: number; octets: number }
  | { readonly do: "wait"; ms: number }
  | { readonly do: "turn" };

const peer = fc.integer({ min: 1, max: peerCount });
const prefixes = fc.uniqueArray(fc.nat(prefixCount - 1), { minLength: 1, maxLength: 8 });
const block = fc.nat(blocks.length - 1);
const pathId = fc.nat(2);
const addPaths = fc.constantFrom(1, 2, 3, allPaths);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("announce"), peer, block, prefixes, pathId }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("withdraw"), peer, prefixes, pathId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("limit"), peer, addPaths }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("filter"), peer, isFiltered: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("join"), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave"), peer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refresh"), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("lose", "outlive"), peer }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("hold", "release"), peer }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("drain"),
      peer,
      octets: fc.integer({ min: 1, max: 400 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("turn") }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(100, 999, 1000, 5000) }),
  },
) as fc.Arbitrary<Command>;

const limits: fc.Arbitrary<RibLimits> = fc.record({
  sweptPerTurn: fc.constantFrom(1, 20, 100_000),
  lagOctets: fc.constantFrom(0, 700, 3000, 100_000),
  missedPrefixes: fc.constantFrom(3, 65_536),
  prefixesPerSlice: fc.integer({ min: 1, max: 12 }),
  membersPerLook: fc.integer({ min: 1, max: 5 }),
  keptDumpOctets: fc.constantFrom(0, 2000, 100_000),
  joinableLogOctets: fc.constantFrom(0, 1500, 100_000),
});

const knowledge = ["sent", "withheld", "demoted"] as const;

/** Those of another AS are never sent what is demoted. */
function longLivedStaleOf(index: number): ExportProfile["longLivedStale"] {
  const isExternal = sources[index - 1] === PathSource.external;
  return (isExternal ? knowledge[index % 2] : knowledge[index % 3]) ?? "sent";
}

/** Plays commands on the RIBs of one family, and knows what every member should have been sent. */
class Play {
  readonly harness: RibHarness;
  readonly family: Family;
  readonly profiles: Map<number, ExportProfile>;
  readonly members = new Map<number, TestMember>();
  readonly #limits: RibLimits;
  /** What each member was to be sent when it last asked for the table, less what changed since. */
  readonly #unchanged = new Map<number, Set<string>>();

  /** @param several how many paths to a prefix each peer is sent; 0: one, without an identifier */
  constructor(
    family: Family,
    groupLimits: RibLimits,
    clientToClient: boolean,
    several: readonly number[],
  ) {
    const peers = sources.map((source, index) => ribPeer(index + 1, { source }));
    this.family = family;
    this.#limits = groupLimits;
    this.harness = new RibHarness(family, peers, groupLimits);
    for (const sender of addPathPeers) this.harness.addPathPeers.add(sender);
    this.harness.changed = (prefix) => {
      for (const unchanged of this.#unchanged.values()) unchanged.delete(prefix);
    };
    this.profiles = new Map(
      peers.map((ours) => {
        // One of the external peers speaks 2-octet AS numbers.
        const fourOctetAs = ours.index !== peerCount;
        // Announcements to two of the clients wait for the interval.
        const minRouteAdvertisementIntervalSeconds = isPaced(ours.index) ? 1 : 0;
        const changes = {
          ...{ fourOctetAs, minRouteAdvertisementIntervalSeconds, clientToClient },
          // IPv4 routes with IPv6 next hops go to some (RFC 8950).
          takesIpv6NextHop: family.version === 6 || ours.index % 3 !== 0,
          addPaths: several[ours.index - 1] ?? 0,
          longLivedStale: longLivedStaleOf(ours.index),
        };
        return [ours.index, profileOf(ours, family, changes)];
      }),
    );
  }

  #prefix(index: number): string {
    return this.family.version === 4 ? `10.1.${index}.0/24` : `2001:db8:0:${index + 16}::/64`;
  }

  #attributes(index: number, from: number): PathAttributes {
    // Some announce IPv4 routes with IPv6 next hops, by turns.
    const isIpv4 = this.family.version === 4 && (from + index) % 4 !== 0;
    const nextHop = isIpv4 ? `192.0.2.${from}` : `2001:db8::${from}`;
    return { ...blocks[index], nextHop };
  }

  do(step: Command): void {
    const { harness, members } = this;
    switch (step.do) {
      case "announce": {
        const attributes = this.#attributes(step.block, step.peer);
        const touched = step.prefixes.map(this.#prefix, this);
        this.#touch(touched);
        // As when its session comes up again.
        harness.rib.settle(step.peer);
        return harness.announce(step.peer, touched, attributes, step.pathId);
      }
      case "withdraw": {
        const touched = step.prefixes.map(this.#prefix, this);
        this.#touch(touched);
        return harness.withdraw(step.peer, touched, step.pathId);
      }
      case "limit":
        return this.#limit(step.peer, step.addPaths);
      case "filter":
        return this.#filter(step.peer, step.isFiltered);
      case "join":
        return this.#join(step.peer);
      case "lose":
        this.#leave(step.peer);
        this.#touch([...this.harness.held().keys()]);
        return harness.rib.removePeer(step.peer, false);
      case "outlive":
        this.#leave(step.peer);
        this.#touch([...this.harness.held().keys()]);
        harness.rib.markStale(step.peer);
        return harness.rib.makeLongLived(step.peer);
      case "leave":
        return this.#leave(step.peer);
      case "refresh": {
        const member = members.get(step.peer);
        member?.group.refresh(member.member);
        return;
      }
      case "hold":
        return this.#hold(step.peer);
      case "release":
        return this.#release(step.peer);
      case "drain":
        return members.get(step.peer)?.drain(step.octets);
      case "wait":
        harness.nowMs += step.ms;
        return;
      case "turn":
        harness.turn();
    }
  }

  /** Paths of prefixes may become others: who is sent several of them may be sent others. */
  #touch(touched: readonly string[]): void {
    for (const [index, unchanged] of this.#unchanged) {
      if (this.#profile(index).addPaths === 0) continue;
      for (const prefix of touched) unchanged.delete(prefix);
    }
  }

  #profile(index: number): ExportProfile {
    return this.profiles.get(index) as ExportProfile;
  }

  /** Has a peer that is sent several paths sent more or fewer, under its session. */
  #limit(index: number, limit: number): void {
    if (this.#profile(index).addPaths === 0) return;
    this.#move(index, { ...this.#profile(index), addPaths: limit });
  }

  /** Has a peer sent some prefixes only, or all again. */
  #filter(index: number, isFiltered: boolean): void {
    const profile = this.#profile(index);
    const allowed = isFiltered ? [this.#allowed] : undefined;
    this.#move(index, { ...profile, policy: { ...profile.policy, prefixes: allowed } });
  }

  /** Inside it are those of the prefixes up to 7, or up to 3. */
  get #allowed(): Prefix {
    const prefix = parsePrefix(this.family.version === 4 ? "10.1.0.0/21" : "2001:db8:0:10::/60");
    assert.ok(prefix !== undefined);
    return prefix;
  }

  #move(index: number, profile: ExportProfile): void {
    this.profiles.set(index, profile);
    this.#unchanged.get(index)?.clear();
    this.members.get(index)?.move(profile);
  }

  #join(index: number): void {
    if (this.members.has(index)) return;
    const isSettled = this.#isSettled;
    const member = this.harness.join(index, this.profiles.get(index));
    member.capacity = 100;
    this.members.set(index, member);
    this.#expectEndOfRib(member, index, isSettled);
  }

  /** All that was announced, or lost, has been decided. */
  get #isSettled(): boolean {
    return !this.harness.rib.isUnsettled;
  }

  /** Withholds End-of-RIB. */
  #hold(index: number): void {
    const member = this.members.get(index);
    if (member === undefined) return;
    member.member.endOfRibHeld = true;
    member.atEndOfRib = () => assert.fail("End-of-RIB although it is withheld");
  }

  /** Nothing that is in the table by now may come after End-of-RIB. */
  #release(index: number): void {
    const member = this.members.get(index);
    if (member?.member.endOfRibHeld !== true) return;
    member.group.releaseEndOfRib(member.member);
    this.#noteUnchanged(member, index, this.#isSettled);
  }

  /** By the End-of-RIB all that stood in the table, and still stands unchanged, must have been sent. */
  #expectEndOfRib(member: TestMember, index: number, isSettled: boolean): void {
    if (!member.member.endOfRibHeld) this.#noteUnchanged(member, index, isSettled);
  }

  #noteUnchanged(member: TestMember, index: number, isSettled: boolean): void {
    const isSeveral = this.#profile(index).addPaths > 0;
    const unchanged = new Set(
      isSeveral && !isSettled ? [] : this.expected(index).map(([prefix]) => prefix),
    );
    this.#unchanged.set(index, unchanged);
    member.atEndOfRib = () => {
      const told = new Set([...member.view.routes.keys()].map(withoutPathId));
      for (const prefix of unchanged) assert.ok(told.has(prefix), `End-of-RIB before ${prefix}`);
    };
  }

  #leave(index: number): void {
    const member = this.members.get(index);
    if (member === undefined) return;
    this.harness.leave(member);
    this.members.delete(index);
  }

  /** Prefixes and attributes of all paths that a peer should have been sent by now. */
  expected(index: number): [string, PathAttributes][] {
    const allowed = this.#profile(index).policy.prefixes?.[0];
    const all = this.#expectedUnfiltered(index);
    if (allowed === undefined) return all;
    return all.filter(([text]) => prefixContains(allowed, parsePrefix(text) ?? assert.fail(text)));
  }

  #expectedUnfiltered(index: number): [string, PathAttributes][] {
    const profile = this.#profile(index);
    const { harness } = this;
    if (profile.addPaths > 0) return this.#expectedSeveral(index, profile);
    return [...harness.best()].flatMap(([prefix, { peer: from, attributes }]) => {
      const path = { peer: harness.peer(from), attributes };
      const sent = expectedExport(path, harness.peer(index), profile);
      return sent === undefined ? [] : [[prefix, sent]];
    });
  }

  /** Of the best paths that may be sent to somebody like it, those that are not its own. */
  #expectedSeveral(index: number, profile: ExportProfile): [string, PathAttributes][] {
    const to = this.harness.peer(index);
    const anybody = { ...to, index: -1 };
    return [...this.harness.held()].flatMap(([prefix, paths]) =>
      expectedRanking(paths)
        .filter((path) => expectedExport(path, anybody, profile) !== undefined)
        .slice(0, profile.addPaths)
        .flatMap((path) => expectedExport(path, to, profile) ?? [])
        .map((sent): [string, PathAttributes] => [prefix, sent]),
    );
  }

  /** Lets everybody read to the end. */
  finish(): void {
    for (const [index, member] of this.members) {
      this.#release(index);
      member.drain();
    }
    this.#settle();
  }

  /** Until nothing waits for its interval either. */
  #settle(): void {
    const { harness } = this;
    harness.settle();
    for (; harness.rib.advertisementDueMs < Number.POSITIVE_INFINITY; harness.settle()) {
      harness.nowMs = Math.max(harness.nowMs, harness.rib.advertisementDueMs);
    }
  }

  check(): void {
    for (const [index, member] of this.members) {
      const expected = this.expected(index);
      const { routes, endOfRibs } = member.view;
      const told = [...routes].map(([key, path]): [string, PathAttributes] => {
        return [withoutPathId(key), path];
      });
      assert.deepEqual(sorted(told), sorted(expected), `what peer ${index} was sent`);
      assert.equal(member.group.advertisedTo(index), expected.length, "the count of paths sent");
      const { keptDumpOctets, joinableLogOctets } = this.#limits;
      const kept = keptDumpOctets + Math.max(joinableLogOctets, keptDumpOctets / 2);
      assert.ok(member.group.retainedBytes <= kept, "octets are held that nobody waits for");
      assert.equal(endOfRibs.length, 1, "one End-of-RIB");
      assert.equal(member.view.stale, undefined, "a refresh without an end");
    }
  }

  /** Takes everything back; nothing may be left behind. */
  checkEmptied(): void {
    const { harness, members } = this;
    for (let index = 1; index <= peerCount; index++) harness.rib.removePeer(index, false);
    this.#settle();
    for (const { view } of members.values()) assert.equal(view.routes.size, 0);
    for (const index of [...members.keys()]) this.#leave(index);
    // Ids are released once nobody speaks of them any more.
    harness.settle();
    assert.equal(harness.store.size, 0, "attribute blocks left behind");
    assert.equal(harness.rib.prefixes.size, 0, "prefixes left behind");
  }
}

function withoutPathId(key: string): string {
  return key.split("#")[0] as string;
}

function sorted(routes: readonly [string, PathAttributes][]): [string, PathAttributes][] {
  const text = ([prefix, attributes]: [string, PathAttributes]): string => {
    const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    return `${prefix} ${JSON.stringify(entries)}`;
  };
  return [...routes].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

describe("an update group, whatever happens to its members", () => {
  for (const family of [ipv4Unicast, ipv6Unicast]) {
    test(`leaves every member with the table less its own paths: ${family.name}`, () => {
      const property = fc.property(
        limits,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.constantFrom(0, 0, 1, 2, allPaths), {
          minLength: peerCount,
          maxLength: peerCount,
        }),
        fc.array(command, { minLength: 10, maxLength: 80 }),
        (groupLimits, isHurried, clientToClient, several, commands) => {
          const play = new Play(family, groupLimits, clientToClient, several);
          play.harness.mayContinue = () => !isHurried;
          for (const step of commands) play.do(step);
          play.finish();
          play.check();
          play.checkEmptied();
        },
      );
      fc.assert(property, { numRuns: 120 });
    });
  }
});
