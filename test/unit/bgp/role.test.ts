import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capability } from "../../../src/bgp/capability/capability.ts";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { describePathReason } from "../../../src/bgp/rib/path-reason.ts";
import { counterpart, type Role } from "../../../src/bgp/role.ts";
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

function start(): SpeakerNode {
  return new SpeakerNetwork().speaker(own);
}

function peerOf(
  node: SpeakerNode,
  address: string,
  settings: Partial<PeerSettings>,
  roles: readonly (Role | undefined)[] = [],
): ScriptedPeer {
  const { asn = 65_001 } = settings;
  assert.ok(typeof asn === "number");
  node.speaker.addPeer(peerSettings(address, { passive: true, asn, ...settings }));
  const peer = new ScriptedPeer(node, address, { asn });
  const named: Capability[] = roles.map((role) => ({ name: "role", role }));
  peer.open = { ...peer.open, capabilities: [...peer.open.capabilities, ...named] };
  return peer;
}

/** NOTIFICATIONs after our OPEN with one role met theirs. */
function meeting(
  settings: Partial<PeerSettings>,
  ...roles: readonly (Role | undefined)[]
): readonly string[] {
  const peer = peerOf(start(), "10.0.0.9", settings, roles);
  peer.connect();
  peer.send(encodeOpen(peer.open));
  return peer.notifications();
}

test("a role is offered to a peer that is, or may be, in another AS (RFC 9234 §4.1)", () => {
  const offered = (asn: PeerSettings["asn"]): unknown[] => {
    const node = start();
    const address = "10.0.0.9";
    node.speaker.addPeer(peerSettings(address, { passive: true, asn, role: "peer" }));
    const peer = new ScriptedPeer(node, address);
    peer.connect();
    const open = peer.messages.find(({ type }) => type === "OPEN");
    assert.ok(open?.type === "OPEN");
    return open.open.capabilities.filter(({ name }) => name === "role");
  };
  for (const asn of [65_001, "external", "any", [ownAsn, 65_001]] as const) {
    assert.deepEqual(offered(asn), [{ name: "role", role: "peer" }], String(asn));
  }
  for (const asn of [ownAsn, "internal"] as const) assert.deepEqual(offered(asn), [], String(asn));
});

describe("roles in OPENs (RFC 9234 §4.2)", () => {
  const roles = Object.keys(counterpart) as Role[];

  test("go together in pairs, and no other way", () => {
    for (const ours of roles) {
      for (const theirs of roles) {
        const expected = counterpart[ours] === theirs ? [] : ["2/11"];
        assert.deepEqual(meeting({ role: ours }, theirs), expected, `${ours} and ${theirs}`);
      }
    }
  });

  test("a peer that names none is let in, unless we are strict", () => {
    assert.deepEqual(meeting({ role: "provider" }), []);
    assert.deepEqual(meeting({ role: "provider", strictRole: true }), ["2/11"]);
    assert.deepEqual(meeting({ role: "provider", strictRole: true }, "customer"), []);
  });

  test("twice the same is one; two different ones, or one without a name, are none that fits", () => {
    assert.deepEqual(meeting({ role: "peer" }, "peer", "peer"), []);
    assert.deepEqual(meeting({ role: "peer" }, "peer", "customer"), ["2/11"]);
    assert.deepEqual(meeting({ role: "peer" }, undefined), ["2/11"]);
  });

  test("mean nothing within an AS, or where we have none", () => {
    assert.deepEqual(meeting({ role: "provider", strictRole: true, asn: ownAsn }, "provider"), []);
    assert.deepEqual(meeting({}, "provider"), []);
  });
});

/** Why the path to `pods` is where it is. */
function reason(node: SpeakerNode): string {
  const rib = node.speaker.ribs.get(ipv4Unicast.key);
  assert.ok(rib);
  const { octets, length } = prefix(pods);
  return describePathReason(rib.paths.reason(rib.paths.first(rib.prefixes.find(octets, 0, length))))
    .name;
}

describe("ONLY_TO_CUSTOMER (RFC 9234 §5)", () => {
  /** What becomes of a path from a peer in AS 65001, we being `role` to it. */
  function received(
    role: Role,
    onlyToCustomer?: number,
  ): { reason: string; otc: number | undefined } {
    const node = start();
    const peer = peerOf(node, "10.0.0.9", { role });
    peer.establish();
    peer.announceWith(onlyToCustomer === undefined ? {} : { onlyToCustomer }, pods);
    return { reason: reason(node), otc: node.attributesOf(pods)?.onlyToCustomer };
  }

  test("received: a leak from customers and clients, and from peers that did not attach it", () => {
    assert.equal(received("provider", 65_001).reason, "route-leak");
    assert.equal(received("rs", 65_001).reason, "route-leak");
    assert.equal(received("peer", 65_002).reason, "route-leak");
    assert.deepEqual(received("peer", 65_001), { reason: "best", otc: 65_001 });
    assert.deepEqual(received("customer", 65_002), { reason: "best", otc: 65_002 });
    assert.deepEqual(received("rs-client", 65_002), { reason: "best", otc: 65_002 });
  });

  test("received: attached where a provider, a peer or a route server did not", () => {
    for (const role of ["customer", "peer", "rs-client"] as const) {
      assert.deepEqual(received(role), { reason: "best", otc: 65_001 }, role);
    }
    for (const role of ["provider", "rs"] as const) {
      assert.deepEqual(received(role), { reason: "best", otc: undefined }, role);
    }
  });

  /** What a peer in AS 65009 is told of a path with or without it, we being `role` to it. */
  function sent(role: Role, onlyToCustomer?: number): number | undefined | "nothing" {
    const node = start();
    const source = peerOf(node, "10.0.0.2", { asn: ownAsn, client: true });
    source.establish();
    const peer = peerOf(node, "10.0.0.9", { asn: 65_009, role });
    peer.establish();
    source.announceWith(onlyToCustomer === undefined ? {} : { onlyToCustomer }, pods);
    const attributes = peer.view.routes.get(pods);
    return attributes === undefined ? "nothing" : attributes.onlyToCustomer;
  }

  test("sent: attached toward customers, peers and clients; not passed on to providers, peers and route servers", () => {
    for (const role of ["provider", "peer", "rs"] as const) assert.equal(sent(role), ownAsn, role);
    for (const role of ["customer", "rs-client"] as const)
      assert.equal(sent(role), undefined, role);
    for (const role of ["provider", "rs"] as const) assert.equal(sent(role, 65_002), 65_002, role);
    for (const role of ["customer", "peer", "rs-client"] as const) {
      assert.equal(sent(role, 65_002), "nothing", role);
    }
  });

  test("within our AS it passes as it is", () => {
    const node = start();
    const source = peerOf(node, "10.0.0.2", { asn: ownAsn, client: true });
    source.establish();
    const other = peerOf(node, "10.0.0.3", { asn: ownAsn, client: true });
    other.establish();
    source.announceWith({ onlyToCustomer: 65_002 }, pods);
    assert.equal(other.view.routes.get(pods)?.onlyToCustomer, 65_002);
  });
});
