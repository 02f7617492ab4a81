import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AsPathSegment, PathAttributes } from "../../../src/bgp/attribute/path-attributes.ts";
import type { PeerPolicy } from "../../../src/bgp/peer-policy.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { describePathReason } from "../../../src/bgp/rib/path-reason.ts";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import {
  peerSettings,
  prefix,
  ScriptedPeer,
  SpeakerNetwork,
  type SpeakerNode,
} from "../../support/speaker-harness.ts";

const own = "10.0.0.1";
const ownAsn = 64_512;
const pods = "10.244.1.0/24";

interface Side {
  readonly node: SpeakerNode;
  readonly peer: ScriptedPeer;
}

/** Session with a peer in some AS, under these policies. The address is its AS number's last digit's. */
function session(
  node: SpeakerNode,
  address: string,
  asn: number,
  policy: Partial<PeerSettings> = {},
): ScriptedPeer {
  node.speaker.addPeer(
    peerSettings(address, {
      passive: true,
      asn,
      importPrefixes: undefined,
      advertise: undefined,
      ...policy,
    }),
  );
  const peer = new ScriptedPeer(node, address, { asn });
  peer.establish();
  return peer;
}

/** A speaker with an external peer, under these policies. */
function external(policy: PeerPolicy = {}, asn = 65_001): Side {
  const node = new SpeakerNetwork().speaker(own);
  return { node, peer: session(node, "10.0.0.9", asn, policy) };
}

function update(node: SpeakerNode, address: string, policy: Partial<PeerSettings>): void {
  const settings = node.speaker.peer(address)?.settings;
  assert.ok(settings);
  assert.equal(node.speaker.updatePeer({ ...settings, ...policy }), false, "resets the session");
  node.network.settle();
}

/** Reasons of the paths to a prefix. */
function reasons(node: SpeakerNode, text: string): string[] {
  const rib = node.speaker.ribs.get(ipv4Unicast.key);
  assert.ok(rib);
  const { octets, length } = prefix(text);
  const found: string[] = [];
  for (
    let row = rib.paths.first(rib.prefixes.find(octets, 0, length));
    row >= 0;
    row = rib.paths.next(row)
  ) {
    found.push(describePathReason(rib.paths.reason(row)).name);
  }
  return found;
}

function path(...asns: number[]): { asPath: AsPathSegment[] } {
  return { asPath: [{ type: 2, asns }] };
}

/** What the peer has been told of a prefix. */
function told(peer: ScriptedPeer, text = pods): PathAttributes | undefined {
  return peer.view.routes.get(text);
}

describe("another AS without a policy (RFC 8212)", () => {
  test("nothing is taken from it and nothing told to it, and the reason is there", () => {
    const { node, peer } = external();
    node.originate(pods);
    node.network.settle();
    peer.announce("10.99.0.0/16");
    assert.deepEqual(node.routes(), [`${pods} via ${own} from local`]);
    assert.deepEqual(reasons(node, "10.99.0.0/16"), ["no-policy"]);
    assert.equal(told(peer), undefined);
  });

  test("policies let pass what they say, put in force under the session", () => {
    const { node, peer } = external();
    node.originate(pods, "10.245.0.0/24");
    peer.announce("10.99.0.0/16", "10.98.0.0/16");
    update(node, peer.address, {
      importPrefixes: [prefix("10.99.0.0/16")],
      exportPrefixes: [prefix("10.244.0.0/16")],
    });
    assert.deepEqual(reasons(node, "10.99.0.0/16"), ["best"]);
    assert.deepEqual(reasons(node, "10.98.0.0/16"), ["filtered"]);
    assert.deepEqual([...peer.view.routes.keys()], [pods]);
    update(node, peer.address, { importPrefixes: undefined, exportPrefixes: undefined });
    assert.deepEqual(reasons(node, "10.99.0.0/16"), ["no-policy"]);
    assert.deepEqual([...peer.view.routes.keys()], []);
    assert.deepEqual(peer.notifications(), []);
  });

  test("accept-all lets everything but martians pass", () => {
    const { node, peer } = external({ policy: "accept-all" });
    node.originate(pods);
    peer.announce("10.99.0.0/16", "127.1.0.0/16");
    assert.deepEqual(reasons(node, "10.99.0.0/16"), ["best"]);
    assert.deepEqual(reasons(node, "127.1.0.0/16"), ["filtered"]);
    assert.notEqual(told(peer), undefined);
  });

  test("within our AS none is needed", () => {
    const { node, peer } = external({}, ownAsn);
    node.originate(pods);
    peer.announce("10.99.0.0/16");
    assert.deepEqual(reasons(node, "10.99.0.0/16"), ["best"]);
    assert.notEqual(told(peer), undefined);
  });
});

/** What is taken in from an external peer that announces 10.99.0.0/16 with these attributes, and with what. */
function taken(
  policy: PeerPolicy,
  attributes: PathAttributes,
  asn = 65_001,
): { reason: string | undefined; used: PathAttributes | undefined; side: Side } {
  const side = external({ policy: "accept-all", ...policy }, asn);
  side.peer.announceWith(attributes, "10.99.0.0/16");
  const used = side.node.attributesOf("10.99.0.0/16");
  return { reason: reasons(side.node, "10.99.0.0/16")[0], used, side };
}

describe("import policy", () => {
  test("the first AS must be the peer's, unless it is a route server or told otherwise", () => {
    assert.equal(taken({}, path(65_001, 65_002)).reason, "best");
    assert.equal(taken({}, path(65_002, 65_001)).reason, "foreign-first-as");
    assert.equal(taken({}, { asPath: [] }).reason, "foreign-first-as");
    assert.equal(taken({}, { asPath: [{ type: 1, asns: [65_001] }] }).reason, "foreign-first-as");
    assert.equal(taken({ enforceFirstAs: false }, path(65_002)).reason, "best");
    assert.equal(taken({ role: "rs-client" }, path(65_002)).reason, "best");
    assert.equal(
      taken({ role: "rs-client", enforceFirstAs: true }, path(65_002)).reason,
      "foreign-first-as",
    );
    assert.equal(taken({}, path(), ownAsn).reason, "best");
  });

  test("AS_SETs are refused where that is set", () => {
    const attributes: PathAttributes = {
      asPath: [
        { type: 2, asns: [65_001] },
        { type: 1, asns: [65_002, 65_003] },
      ],
    };
    assert.equal(taken({ refuseAsSets: true }, attributes).reason, "as-set");
    assert.equal(taken({ refuseAsSets: false }, attributes).reason, "best");
  });

  test("our own AS number may stand in AS_PATH as often as allowed, also after a change of mind", () => {
    const twice = path(65_001, ownAsn, 65_002, ownAsn);
    assert.equal(taken({}, path(65_001, ownAsn)).reason, "as-loop");
    assert.equal(taken({ allowOwnAs: 1 }, path(65_001, ownAsn)).reason, "best");
    const { reason, side } = taken({ allowOwnAs: 1 }, twice);
    assert.equal(reason, "as-loop");
    update(side.node, side.peer.address, { allowOwnAs: 2 });
    assert.deepEqual(reasons(side.node, "10.99.0.0/16"), ["best"]);
    side.peer.announceWith(twice, "10.98.0.0/16");
    assert.deepEqual(reasons(side.node, "10.98.0.0/16"), ["best"]);
    update(side.node, side.peer.address, { allowOwnAs: 0 });
    assert.deepEqual(reasons(side.node, "10.98.0.0/16"), ["as-loop"]);
  });

  test("LOCAL_PREF, MED and communities are set, and taken back to what came, without a word to the peer", () => {
    const { used, side } = taken(
      {
        importLocalPref: 250,
        importMed: 7,
        importCommunities: [0xfde9_0001],
        importLargeCommunities: [[65_001, 1, 2]],
      },
      { multiExitDisc: 50, communities: [5] },
    );
    assert.partialDeepStrictEqual(used, {
      localPref: 250,
      multiExitDisc: 7,
      communities: [5, 0xfde9_0001],
      largeCommunities: [[65_001, 1, 2]],
      ...path(65_001),
    });
    update(side.node, side.peer.address, {
      importLocalPref: undefined,
      importMed: undefined,
      importCommunities: undefined,
      importLargeCommunities: undefined,
    });
    const now = side.node.attributesOf("10.99.0.0/16");
    assert.partialDeepStrictEqual(now, { multiExitDisc: 50, communities: [5] });
    assert.equal(now?.localPref, undefined);
    assert.equal(now?.largeCommunities, undefined);
    assert.deepEqual(side.peer.notifications(), []);
    side.peer.withdraw("10.99.0.0/16");
    assert.equal(side.node.speaker.attributes.size, 0, "a block is kept for nobody");
  });

  test("LOCAL_PREF that is set decides, and goes to peers within our AS", () => {
    const { node } = external({ policy: "accept-all", importLocalPref: 50 });
    const [low] = [node.speaker.peer("10.0.0.9")];
    assert.ok(low);
    const other = session(node, "10.0.0.8", 65_002, { policy: "accept-all", importLocalPref: 200 });
    const inside = session(node, "10.0.0.7", ownAsn);
    other.announceWith(path(65_002, 65_003, 65_004), "10.99.0.0/16");
    assert.equal(told(inside, "10.99.0.0/16")?.localPref, 200);
  });

  test("GRACEFUL_SHUTDOWN makes LOCAL_PREF 0, from another AS and where it is heeded (RFC 8326)", () => {
    const leaving = { communities: [0xffff0000] };
    assert.equal(taken({ importLocalPref: 200 }, leaving).used?.localPref, 0);
    assert.equal(taken({ gracefulShutdown: false }, leaving).used?.localPref, undefined);
    assert.equal(taken({}, leaving, ownAsn).used?.localPref, 100);
  });
});

/** What an external peer under this policy is told of a route that came from elsewhere. */
function passedOn(
  policy: Partial<PeerSettings>,
  attributes: PathAttributes,
  options: { from?: number; to?: number; node?: Parameters<SpeakerNetwork["speaker"]>[1] } = {},
): PathAttributes | undefined {
  const { from = 65_001, to = 65_009 } = options;
  const node = new SpeakerNetwork().speaker(own, options.node);
  const source = session(node, "10.0.0.2", from, { policy: "accept-all", allowOwnAs: 5 });
  const peer = session(node, "10.0.0.9", to, { policy: "accept-all", ...policy });
  source.announceWith(attributes, pods);
  return told(peer);
}

describe("export policy", () => {
  test("AS_PATH: ours is put before, as often as asked", () => {
    assert.deepEqual(passedOn({}, {})?.asPath, path(ownAsn, 65_001).asPath);
    const long = passedOn({ prepend: 2 }, {})?.asPath;
    assert.deepEqual(long, path(ownAsn, ownAsn, ownAsn, 65_001).asPath);
  });

  test("AS_PATH: the peer's own number is overridden", () => {
    const attributes = path(65_001, 65_009, 65_009);
    const overridden = passedOn({ asOverride: true }, attributes)?.asPath;
    assert.deepEqual(overridden, path(ownAsn, 65_001, ownAsn, ownAsn).asPath);
    assert.deepEqual(
      passedOn({}, attributes)?.asPath,
      path(ownAsn, ...[65_001, 65_009, 65_009]).asPath,
    );
  });

  test("AS_PATH: private numbers are removed or replaced, the peer's excepted", () => {
    const attributes = path(65_001, 3356, 4_200_000_001, 65_009, 64_511);
    assert.deepEqual(
      passedOn({ removePrivateAs: "all" }, attributes)?.asPath,
      path(ownAsn, 3356, 65_009, 64_511).asPath,
    );
    assert.deepEqual(
      passedOn({ removePrivateAs: "replace" }, attributes)?.asPath,
      path(ownAsn, ownAsn, 3356, ownAsn, 65_009, 64_511).asPath,
    );
    const gone = passedOn(
      { removePrivateAs: "all" },
      {
        asPath: [
          { type: 2, asns: [65_001] },
          { type: 1, asns: [65_002] },
        ],
      },
    );
    assert.deepEqual(gone?.asPath, path(ownAsn).asPath);
  });

  test("next hop: ourselves, unchanged, or a third party's on a subnet that we share", () => {
    const attributes = { nextHop: "10.0.0.77" };
    assert.equal(passedOn({}, attributes)?.nextHop, own);
    assert.equal(passedOn({ nextHop: "unchanged" }, attributes)?.nextHop, "10.0.0.77");
    const shared = { node: { subnets: [prefix("10.0.0.0/24"), prefix("10.0.0.0/8")] } };
    assert.equal(passedOn({ nextHop: "third-party" }, attributes, shared)?.nextHop, "10.0.0.77");
    const away = { nextHop: "10.0.1.77" };
    assert.equal(passedOn({ nextHop: "third-party" }, away, shared)?.nextHop, own);
    assert.equal(passedOn({ nextHop: "third-party" }, attributes)?.nextHop, own);
  });

  test("next hop within our AS: as it is, ourselves for other ASes' routes, or for all", () => {
    const attributes = { nextHop: "10.0.0.77" };
    const inside = { to: ownAsn };
    assert.equal(passedOn({}, attributes, inside)?.nextHop, "10.0.0.77");
    assert.equal(passedOn({ nextHop: "self" }, attributes, inside)?.nextHop, own);
    const reflected = { from: ownAsn, to: ownAsn };
    const client = { client: true };
    assert.equal(
      passedOn({ ...client, nextHop: "self" }, attributes, reflected)?.nextHop,
      "10.0.0.77",
    );
    assert.equal(
      passedOn({ ...client, nextHop: "always-self" }, attributes, reflected)?.nextHop,
      own,
    );
    assert.equal(
      passedOn({ ...client, nextHop: "third-party" }, attributes, reflected)?.nextHop,
      "10.0.0.77",
    );
  });

  test("MED: not passed on to another AS, set, or passed on by a route server", () => {
    const attributes = { multiExitDisc: 50 };
    assert.equal(passedOn({}, attributes)?.multiExitDisc, undefined);
    assert.equal(passedOn({}, attributes, { to: ownAsn })?.multiExitDisc, 50);
    assert.equal(passedOn({ exportMed: 9 }, attributes)?.multiExitDisc, 9);
    assert.equal(passedOn({ exportMed: 9 }, attributes, { to: ownAsn })?.multiExitDisc, 9);
  });

  test("communities: removed, then added; unchanged otherwise", () => {
    const attributes: PathAttributes = { communities: [1, 2, 2], largeCommunities: [[1, 2, 3]] };
    assert.deepEqual(passedOn({}, attributes)?.communities, [1, 2, 2]);
    const some = passedOn(
      {
        exportRemoveCommunities: [2],
        exportCommunities: [7, 1],
        exportLargeCommunities: [[9, 9, 9]],
      },
      attributes,
    );
    assert.deepEqual(some?.communities, [1, 7]);
    assert.deepEqual(some?.largeCommunities, [
      [1, 2, 3],
      [9, 9, 9],
    ]);
    const none = passedOn({ exportRemoveCommunities: "all" }, attributes);
    assert.deepEqual([none?.communities, none?.largeCommunities], [undefined, undefined]);
    const inside = passedOn({ exportCommunities: [7] }, attributes, { from: ownAsn, to: ownAsn });
    assert.equal(inside, undefined, "not reflected to a non-client");
    const reflected = passedOn({ client: true, exportCommunities: [7] }, attributes, {
      from: ownAsn,
      to: ownAsn,
    });
    assert.deepEqual(reflected?.communities, [1, 2, 7]);
    assert.equal(reflected?.clusterList?.length, 1);
  });

  test("extended communities that are not transitive stay within our AS (RFC 4360 §6)", () => {
    const transitive = Uint8Array.of(0, 2, 0xfd, 0xe9, 0, 0, 0, 1);
    const local = Uint8Array.of(0x40, 4, 0xfd, 0xe9, 0, 0, 0, 1);
    const attributes = { extendedCommunities: [transitive, local] };
    assert.deepEqual(passedOn({}, attributes)?.extendedCommunities, [transitive]);
    assert.deepEqual(passedOn({}, attributes, { to: ownAsn })?.extendedCommunities, [
      transitive,
      local,
    ]);
    assert.equal(passedOn({}, { extendedCommunities: [local] })?.extendedCommunities, undefined);
  });

  test("well-known communities hold routes back from whom they should, reflected or not (RFC 1997)", () => {
    const noExport = { communities: [0xffffff01] };
    const noAdvertise = { communities: [0xffffff02] };
    const reflected = { from: ownAsn, to: ownAsn };
    assert.equal(passedOn({}, noExport), undefined);
    assert.notEqual(passedOn({ client: true }, noExport, reflected), undefined);
    assert.equal(passedOn({ client: true }, noAdvertise, reflected), undefined);
    assert.equal(
      passedOn({ client: true, exportCommunities: [7] }, noAdvertise, reflected),
      undefined,
    );
  });

  test("a route server passes on AS_PATH, next hop and MED as they are (RFC 7947)", () => {
    const attributes = { nextHop: "10.0.0.77", multiExitDisc: 50, communities: [1] };
    const sent = passedOn({ routeServerClient: true }, attributes);
    assert.partialDeepStrictEqual(sent, { ...attributes, ...path(65_001) });
  });

  test("only own routes, or none", () => {
    assert.equal(passedOn({ advertise: "own" }, {}), undefined);
    assert.equal(passedOn({ advertise: "none" }, {}), undefined);
  });
});

describe("local AS (RFC 7705)", () => {
  const localAs = 65_100;

  test("is what the OPEN says; it is put before paths from the peer and, with ours, before paths to it", () => {
    const node = new SpeakerNetwork().speaker(own);
    const peer = session(node, "10.0.0.9", 65_001, { policy: "accept-all", localAs });
    const inside = session(node, "10.0.0.7", ownAsn);
    node.originate(pods);
    node.network.settle();
    const open = peer.messages.find((message) => message.type === "OPEN");
    assert.ok(open?.type === "OPEN");
    assert.equal(open.open.asn, localAs);
    assert.deepEqual(told(peer)?.asPath, path(localAs, ownAsn).asPath);
    peer.announce("10.99.0.0/16");
    assert.deepEqual(told(inside, "10.99.0.0/16")?.asPath, path(localAs, 65_001).asPath);
    update(node, peer.address, { localAsReplace: true, localAsNoPrepend: true });
    assert.deepEqual(told(peer)?.asPath, path(localAs).asPath);
    assert.deepEqual(told(inside, "10.99.0.0/16")?.asPath, path(65_001).asPath);
  });

  test("is our own number as far as loops go", () => {
    assert.equal(taken({ localAs }, path(65_001, localAs)).reason, "as-loop");
    assert.equal(taken({ localAs, allowOwnAs: 1 }, path(65_001, localAs)).reason, "best");
  });
});

describe("a change of export policy under the session", () => {
  test("tells what is different, and leaves others alone", () => {
    const node = new SpeakerNetwork().speaker(own);
    const one = session(node, "10.0.0.8", 65_008, { policy: "accept-all" });
    const other = session(node, "10.0.0.9", 65_009, { policy: "accept-all" });
    node.originate(pods, "10.245.0.0/24");
    node.network.settle();
    const before = other.messages.length;
    update(node, one.address, { exportPrefixes: [prefix("10.245.0.0/16")], exportMed: 4 });
    assert.deepEqual([...one.view.routes.keys()], ["10.245.0.0/24"]);
    assert.equal(told(one, "10.245.0.0/24")?.multiExitDisc, 4);
    update(node, one.address, { exportPrefixes: undefined });
    assert.deepEqual([...one.view.routes.keys()].sort(), [pods, "10.245.0.0/24"]);
    node.originate("10.246.0.0/24");
    node.network.settle();
    assert.deepEqual([...one.view.routes.keys()], ["10.246.0.0/24"]);
    assert.equal(told(one, "10.246.0.0/24")?.multiExitDisc, 4);
    assert.deepEqual([...other.view.routes.keys()], ["10.246.0.0/24"]);
    const noise = other.messages.slice(before).filter(({ type }) => type === "UPDATE");
    assert.ok(noise.length <= 3, "the other one was told more than the change");
  });
});
