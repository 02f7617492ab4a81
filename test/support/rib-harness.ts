import assert from "node:assert/strict";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import type { Family } from "../../src/bgp/family/family.ts";
import { headerOctets } from "../../src/bgp/iana.ts";
import type { Nlri, UpdateMessage } from "../../src/bgp/message/message.ts";
import { encodeUpdate } from "../../src/bgp/message/update.ts";
import type { ExportProfile } from "../../src/bgp/rib/export-profile.ts";
import { FamilyRib } from "../../src/bgp/rib/family-rib.ts";
import type { Pace } from "../../src/bgp/rib/advertisement-pacer.ts";
import { createMember, type GroupMember } from "../../src/bgp/rib/group-member.ts";
import { defaultRibLimits, type RibLimits } from "../../src/bgp/rib/rib-limits.ts";
import type { DecisionOptions } from "../../src/bgp/rib/decision-process.ts";
import { plainExportPolicy } from "../../src/bgp/rib/export-policy.ts";
import { ImportPolicy } from "../../src/bgp/rib/import-policy.ts";
import type { LoopIdentity } from "../../src/bgp/rib/loop-check.ts";
import type { LocRibChanges } from "../../src/bgp/rib/loc-rib.ts";
import { PathAttributeStore } from "../../src/bgp/rib/path-attributes.ts";
import { PathSource, type RibPeer } from "../../src/bgp/rib/source.ts";
import type { UpdateGroup } from "../../src/bgp/rib/update-group.ts";
import { UpdateReceiver, type UpdateReport } from "../../src/bgp/update-receiver.ts";
import { codec, PeerView } from "./peer-view.ts";

export const ownIdentifier = 0x0a00_00fe;
export const ownClusterId = 0x0a00_00ff;
export const ownAsn = 64512;
export const ownAddress = { 4: "192.0.2.254", 6: "2001:db8::254" } as const;

/** Time that does not pass. */
export const standstill: Pace = { nowMs: () => 0, random: () => 0 };

/** A policy that takes everything. */
export const takeAll = new ImportPolicy("any");

const identity = {
  asn: ownAsn,
  identifier: ownIdentifier,
  clusterId: ownClusterId,
  ownAddresses: Object.values(ownAddress),
};

/** Whose loops nothing is. */
export const nobody: LoopIdentity = { asn: 0, identifier: -1, clusterId: -1, ownAddresses: [] };

/** A peer of the RIBs, with `10.0.0.<index>` as identifier and address unless told. */
export function ribPeer(index: number, changes: Partial<RibPeer> = {}): RibPeer {
  const identifier = 0x0a00_0000 + index;
  return {
    index,
    address: `10.0.0.${index}`,
    addressOrder: `00000000000000000000ffff${identifier.toString(16).padStart(8, "0")}`,
    source: PathSource.nonClient,
    identifier,
    generation: 0,
    ...changes,
  };
}

/** The profile of a peer, as the speaker would make it. */
export function profileOf(
  peer: RibPeer,
  family: Family,
  changes: Partial<ExportProfile> = {},
): ExportProfile {
  const external = peer.source === PathSource.external;
  return {
    external,
    client: peer.source === PathSource.client,
    advertise: "all",
    fourOctetAs: true,
    maximumMessageOctets: 4096,
    addPaths: 0,
    policy: plainExportPolicy(ownAsn),
    clusterId: ownClusterId,
    clientToClient: true,
    nextHopSelf: external ? ownAddress[family.version] : "",
    linkLocalSelf: "",
    linkSubnets: [],
    takesIpv6NextHop: family.version === 6,
    longLivedStale: "withheld",
    minRouteAdvertisementIntervalSeconds: 0,
    ...changes,
  };
}

/** Octets of a ROUTE-REFRESH. */
const refreshOctets = 23;

/** A member of an update group with a socket that takes `capacity` octets before it is full. */
export class TestMember {
  readonly member: GroupMember;
  group: UpdateGroup;
  readonly #rib: FamilyRib;
  readonly view: PeerView;
  capacity = Number.POSITIVE_INFINITY;
  /** Called at each End-of-RIB. */
  atEndOfRib: () => void = () => {};

  constructor(rib: FamilyRib, peer: number, profile: ExportProfile) {
    const { external, fourOctetAs, maximumMessageOctets, takesIpv6NextHop } = profile;
    const addPathReceive = new Set(profile.addPaths > 0 ? [rib.family.key] : []);
    const extendedNextHop = takesIpv6NextHop;
    const sizes = { fourOctetAs, maximumMessageOctets };
    const context = codec({ external, ...sizes, addPathReceive, extendedNextHop });
    this.#rib = rib;
    this.view = new PeerView(context);
    // Peers with an even index are told where a refresh begins and ends.
    const demarcate = (subtype: number): boolean => this.#demarcate(subtype);
    this.member = createMember(
      peer,
      (parts, messages) => this.#send(parts, messages),
      peer % 2 === 0 ? demarcate : undefined,
    );
    this.group = rib.join(profile, this.member);
  }

  #send(parts: readonly Uint8Array[], messages: number): boolean {
    assert.equal(this.member.isBlocked, false, "written to although the socket is full");
    const { view } = this;
    const before = { updates: view.updates, octets: view.octets, ends: view.endOfRibs.length };
    for (const part of parts) view.take(part);
    assert.equal(view.updates - before.updates, messages, "messages are counted as they are");
    if (view.endOfRibs.length > before.ends) this.atEndOfRib();
    return this.#consume(view.octets - before.octets);
  }

  #demarcate(subtype: number): boolean {
    assert.equal(this.member.isBlocked, false, "written to although the socket is full");
    this.view.demarcate(subtype);
    return this.#consume(refreshOctets);
  }

  #consume(octets: number): boolean {
    this.capacity -= octets;
    if (this.capacity > 0) return true;
    this.member.isBlocked = true;
    return false;
  }

  /** Changes over to the group of another profile. */
  move(profile: ExportProfile): void {
    this.group = this.#rib.move(this.group, profile, this.member);
  }

  drain(capacity = Number.POSITIVE_INFINITY): void {
    this.capacity = capacity;
    this.member.isBlocked = false;
  }
}

interface HeldPath {
  readonly peer: RibPeer;
  readonly attributes: PathAttributes;
  readonly pathId: number;
}

/** The RIBs of one family with peers that speak in UPDATEs: all of the speaker but sessions. */
export class RibHarness {
  readonly family: Family;
  readonly store = new PathAttributeStore(identity);
  readonly rib: FamilyRib;
  readonly receiver: UpdateReceiver;
  readonly peers = new Map<number, RibPeer>();
  /** Peers that send several paths to a prefix, each with an identifier. */
  readonly addPathPeers = new Set<number>();
  nowMs = 0;
  /** Has the time of a turn not run out? */
  mayContinue: () => boolean = () => true;
  changed: (prefix: string) => void = () => {};

  constructor(
    family: Family,
    peers: readonly RibPeer[],
    limits: RibLimits = defaultRibLimits,
    decision?: DecisionOptions,
  ) {
    this.family = family;
    const local = ribPeer(0, { source: PathSource.local, identifier: ownIdentifier });
    for (const peer of [local, ...peers]) this.peers.set(peer.index, peer);
    const pace = { nowMs: () => this.nowMs, random: () => 1 };
    const peerOf = (index: number): RibPeer => this.peer(index);
    this.rib = new FamilyRib(family, this.store, peerOf, pace, limits, decision);
    this.receiver = new UpdateReceiver(this.store, new Map([[family.key, this.rib]]));
  }

  peer(index: number): RibPeer {
    const peer = this.peers.get(index);
    assert.ok(peer !== undefined, `no peer ${index}`);
    return peer;
  }

  #codecOf(peer: number): ReturnType<typeof codec> {
    const keys = new Set(this.addPathPeers.has(peer) ? [this.family.key] : []);
    const external = this.peer(peer).source === PathSource.external;
    return codec({ external, addPathReceive: keys, addPathSend: keys, extendedNextHop: true });
  }

  receive(peer: number, update: Partial<UpdateMessage>, policy = takeAll): UpdateReport[] {
    const whole = { withdrawn: [], announced: [], attributes: {}, errors: [], ...update };
    const context = this.#codecOf(peer);
    // What stands on the wire from an external peer may hold more than we would send to one.
    return encodeUpdate(whole, { ...context, external: false }).map((message) => ({
      ...this.receiveBody(peer, message.subarray(headerOctets), policy),
    }));
  }

  receiveBody(peer: number, body: Uint8Array, policy = takeAll): UpdateReport {
    const families = new Set([this.family.key]);
    const source = { peer, context: this.#codecOf(peer), families, importPolicy: policy };
    return this.receiver.receive(body, 0, body.length, source, this.nowMs);
  }

  /** @param pathId of all of them, from a peer among `addPathPeers` */
  announce(
    peer: number,
    prefixes: readonly string[],
    attributes: PathAttributes,
    pathId = 0,
  ): void {
    const nlri = this.#nlri(peer, prefixes, pathId);
    const { afi, safi, version } = this.family;
    const isClassic = version === 4 && attributes.nextHop?.includes(":") !== true;
    if (isClassic) this.receive(peer, { announced: nlri, attributes });
    else this.receive(peer, { mpReach: { afi, safi, nlri }, attributes });
  }

  #nlri(peer: number, prefixes: readonly string[], pathId: number): Nlri[] {
    const hasId = this.addPathPeers.has(peer);
    return prefixes.map((prefix) => (hasId ? { prefix, pathId } : { prefix }));
  }

  withdraw(peer: number, prefixes: readonly string[], pathId = 0): void {
    const nlri = this.#nlri(peer, prefixes, pathId);
    const { afi, safi, version } = this.family;
    if (version === 4) this.receive(peer, { withdrawn: nlri });
    else this.receive(peer, { mpUnreach: { afi, safi, nlri } });
  }

  join(peer: number, changes: Partial<ExportProfile> = {}): TestMember {
    return new TestMember(this.rib, peer, profileOf(this.peer(peer), this.family, changes));
  }

  leave(member: TestMember): void {
    this.rib.leave(member.group, member.member.peer);
  }

  /** Turns until nothing is left that does not wait for a socket. */
  settle(): void {
    for (let count = 0; this.turn() || this.rib.tidy(); count++) {
      assert.ok(count < 1000, "turns without end");
    }
  }

  /** One turn, which tells `changed` of every prefix whose selected path, or what is used beside it, is another one now. */
  turn(): boolean {
    const tell = (changes: LocRibChanges): void => {
      for (let index = 0; index < changes.length; index++) {
        this.changed(this.rib.prefixes.text(changes.prefix(index)));
      }
      for (const prefix of changes.spread) this.changed(this.rib.prefixes.text(prefix));
    };
    return this.rib.turn(tell, this.mayContinue);
  }

  /** Every path held, by prefix. */
  held(): Map<string, HeldPath[]> {
    const { prefixes, paths } = this.rib;
    const held = new Map<string, HeldPath[]>();
    for (const index of this.peers.keys()) {
      for (const row of paths.rowsOf(index)) {
        const prefix = prefixes.text(paths.prefix(row));
        const attributes = this.store.attributes(paths.attributes(row));
        const path = { peer: this.peer(index), attributes, pathId: paths.pathId(row) };
        held.set(prefix, [...(held.get(prefix) ?? []), path]);
      }
    }
    return held;
  }

  /** The selected path of every prefix: whose it is, and its attributes. */
  best(): Map<string, { readonly peer: number; readonly attributes: PathAttributes }> {
    const { prefixes, locRib } = this.rib;
    const best = new Map<string, { peer: number; attributes: PathAttributes }>();
    for (let id = 0; id < prefixes.end; id++) {
      const attributes = locRib.attributes(id);
      if (attributes < 0) continue;
      const peer = locRib.peer(id);
      best.set(prefixes.text(id), { peer, attributes: this.store.attributes(attributes) });
    }
    return best;
  }
}
