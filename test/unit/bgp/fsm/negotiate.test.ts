import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AddPathCapability, Capability } from "../../../../src/bgp/capability/capability.ts";
import { OpenMessageError } from "../../../../src/bgp/errors.ts";
import { negotiate, validateOpen } from "../../../../src/bgp/fsm/negotiate.ts";
import { familyKey } from "../../../../src/bgp/message/codec-context.ts";
import type { OpenMessage } from "../../../../src/bgp/message/message.ts";
import {
  gracefulRestart,
  ipv4Unicast,
  ipv6Unicast,
  localIdentifier,
  peerOpen,
} from "./test-peer.ts";

const routeRefresh: Capability = { name: "routeRefresh" };

function localOpen(changes: Partial<OpenMessage> = {}): OpenMessage {
  return peerOpen({ bgpIdentifier: localIdentifier, ...changes });
}

function refusal(
  expected: number | "any",
  ours: OpenMessage,
  theirs: OpenMessage,
): OpenMessageError {
  try {
    validateOpen(expected, ours, theirs);
  } catch (error) {
    assert.ok(error instanceof OpenMessageError);
    return error;
  }
  return assert.fail("the OPEN was taken");
}

describe("validateOpen", () => {
  it("takes the OPEN of the peer that is configured", () => {
    validateOpen(64512, localOpen(), peerOpen());
  });

  it("refuses another AS number with 2/2 (RFC 4271 §6.2)", () => {
    const { code, subcode, data } = refusal(64513, localOpen(), peerOpen());
    assert.deepEqual([code, subcode, data.length], [2, 2, 0]);
  });

  it("takes any AS number but 0 where any is configured (RFC 7607)", () => {
    validateOpen("any", localOpen(), peerOpen({ asn: 4_200_000_000 }));
    assert.equal(refusal("any", localOpen(), peerOpen({ asn: 0 })).subcode, 2);
    assert.equal(refusal(0, localOpen(), peerOpen({ asn: 0 })).subcode, 2);
  });

  it("refuses BGP identifier 0 with 2/3 (RFC 6286 §2.2)", () => {
    assert.equal(refusal("any", localOpen(), peerOpen({ bgpIdentifier: 0 })).subcode, 3);
  });

  it("refuses our own BGP identifier within our AS only, with 2/3 (RFC 6286 §2.2)", () => {
    const twin = { bgpIdentifier: localIdentifier };
    assert.equal(refusal("any", localOpen(), peerOpen(twin)).subcode, 3);
    validateOpen("any", localOpen(), peerOpen({ ...twin, asn: 64513 }));
  });

  it("refuses hold times of 1 and 2 seconds with 2/6 and the value (RFC 4271 §6.2)", () => {
    for (const holdTimeSeconds of [1, 2]) {
      const { subcode, data } = refusal("any", localOpen(), peerOpen({ holdTimeSeconds }));
      assert.deepEqual([subcode, [...data]], [6, [0, holdTimeSeconds]]);
    }
    for (const holdTimeSeconds of [0, 3, 65535]) {
      validateOpen("any", localOpen(), peerOpen({ holdTimeSeconds }));
    }
  });

  it("refuses a peer without a family in common with 2/7 and our capabilities (RFC 5492 §5)", () => {
    const theirs = peerOpen({ capabilities: [ipv6Unicast] });
    const both = localOpen({
      capabilities: [{ name: "multiprotocol", afi: 25, safi: 65 }, ipv4Unicast],
    });
    const { subcode, data, message } = refusal("any", both, theirs);
    assert.deepEqual([subcode, [...data]], [7, [1, 4, 0, 25, 0, 65, 1, 4, 0, 1, 0, 1]]);
    assert.equal(message, "no address family in common, ours: 25/65, ipv4-unicast");
  });

  it("names IPv4 unicast as missing where we imply it (RFC 4760 §8)", () => {
    const theirs = peerOpen({ capabilities: [ipv6Unicast] });
    const { data } = refusal("any", localOpen({ capabilities: [] }), theirs);
    assert.deepEqual([...data], [1, 4, 0, 1, 0, 1]);
  });
});

describe("negotiate", () => {
  const offered = (ours: readonly Capability[], theirs: readonly Capability[]) =>
    negotiate(localOpen({ capabilities: ours }), peerOpen({ capabilities: theirs }));

  it("takes the lesser hold time, and a third of it for KEEPALIVEs (RFC 4271 §4.2, §4.4)", () => {
    const ours = localOpen({ holdTimeSeconds: 90 });
    for (const [theirs, hold, keepalive] of [
      [30, 30, 10],
      [180, 90, 30],
      [3, 3, 1],
      [5, 5, 1],
    ] as const) {
      const negotiated = negotiate(ours, peerOpen({ holdTimeSeconds: theirs }));
      assert.deepEqual(
        [negotiated.holdTimeSeconds, negotiated.keepaliveSeconds],
        [hold, keepalive],
      );
    }
  });

  it("has neither hold timer nor KEEPALIVEs where one side says 0", () => {
    for (const [ours, theirs] of [
      [0, 90],
      [90, 0],
    ] as const) {
      const negotiated = negotiate(
        localOpen({ holdTimeSeconds: ours }),
        peerOpen({ holdTimeSeconds: theirs }),
      );
      assert.deepEqual([negotiated.holdTimeSeconds, negotiated.keepaliveSeconds], [0, 0]);
    }
  });

  it("has the families that both sides offered, in our order and once", () => {
    const negotiated = offered([ipv6Unicast, ipv4Unicast, ipv6Unicast], [ipv4Unicast, ipv6Unicast]);
    assert.deepEqual(negotiated.families, [
      { afi: 2, safi: 1 },
      { afi: 1, safi: 1 },
    ]);
  });

  it("implies IPv4 unicast for a side without the multiprotocol capability (RFC 4760 §8)", () => {
    const ipv4 = [{ afi: 1, safi: 1 }];
    assert.deepEqual(offered([], []).families, ipv4);
    assert.deepEqual(offered([ipv6Unicast, ipv4Unicast], []).families, ipv4);
    assert.deepEqual(offered([], [ipv4Unicast, ipv6Unicast]).families, ipv4);
  });

  it("has a feature only where both sides offer it", () => {
    const all: readonly Capability[] = [
      ipv4Unicast,
      routeRefresh,
      { name: "enhancedRouteRefresh" },
      { name: "extendedMessage" },
      { name: "fourOctetAs", asn: 64512 },
      gracefulRestart(),
    ];
    const features = (ours: readonly Capability[], theirs: readonly Capability[]) => {
      const negotiated = offered(ours, theirs);
      return [
        negotiated.routeRefresh,
        negotiated.enhancedRouteRefresh,
        negotiated.gracefulRestart !== undefined,
        negotiated.codec.fourOctetAs,
        negotiated.codec.maximumMessageOctets,
      ];
    };
    const none = [false, false, false, false, 4096];
    assert.deepEqual(features(all, all), [true, true, true, true, 65535]);
    assert.deepEqual(features(all, []), none);
    assert.deepEqual(features([], all), none);
  });

  it("keeps the peer's graceful restart capability, the last where it sent two (RFC 4724 §3)", () => {
    const { gracefulRestart: kept } = offered(
      [gracefulRestart(false)],
      [gracefulRestart(false), gracefulRestart(true)],
    );
    assert.equal(kept?.restarted, true);
  });

  it("knows a peer of another AS as external", () => {
    assert.equal(negotiate(localOpen(), peerOpen()).codec.external, false);
    assert.equal(negotiate(localOpen(), peerOpen({ asn: 64513 })).codec.external, true);
  });

  it("keeps both sides' numbers and capabilities for people who compare", () => {
    const negotiated = offered([ipv4Unicast, routeRefresh], [ipv4Unicast]);
    assert.deepEqual(negotiated.localCapabilities, [ipv4Unicast, routeRefresh]);
    assert.deepEqual(negotiated.peerCapabilities, [ipv4Unicast]);
    assert.equal(negotiated.localIdentifier, localIdentifier);
  });
});

describe("ADD-PATH (RFC 7911 §4)", () => {
  const [v4, v6] = [
    { afi: 1, safi: 1 },
    { afi: 2, safi: 1 },
  ];
  const [v4Key, v6Key] = [familyKey(1, 1), familyKey(2, 1)];
  const offer = (...families: AddPathCapability["families"]): Capability => ({
    name: "addPath",
    families,
  });
  const inForce = (ours: readonly Capability[], theirs: readonly Capability[]) => {
    const { codec } = negotiate(
      localOpen({ capabilities: [ipv4Unicast, ipv6Unicast, ...ours] }),
      peerOpen({ capabilities: [ipv4Unicast, ipv6Unicast, ...theirs] }),
    );
    return { receive: [...codec.addPathReceive], send: [...codec.addPathSend] };
  };

  it("is in force where the one offers to send and the other to receive, by family", () => {
    const ours = [
      offer({ ...v4, receive: true, send: true }, { ...v6, receive: false, send: true }),
    ];
    const both = { receive: true, send: true };
    assert.deepEqual(inForce(ours, [offer({ ...v4, ...both }, { ...v6, ...both })]), {
      receive: [v4Key],
      send: [v4Key, v6Key],
    });
    const sends = { receive: false, send: true };
    assert.deepEqual(inForce(ours, [offer({ ...v4, ...sends }, { ...v6, ...sends })]), {
      receive: [v4Key],
      send: [],
    });
    assert.deepEqual(inForce(ours, []), { receive: [], send: [] });
  });

  it("takes offers from several capabilities, and of one family the first", () => {
    const ours = [offer({ ...v4, receive: true, send: false })];
    const theirs = [
      offer({ ...v6, receive: true, send: true }),
      offer({ ...v4, receive: false, send: true }, { ...v4, receive: true, send: false }),
    ];
    assert.deepEqual(inForce(ours, theirs), { receive: [v4Key], send: [] });
  });

  it("is not in force in a family that the session has not", () => {
    const all = [offer({ ...v4, receive: true, send: true }, { ...v6, receive: true, send: true })];
    const { codec } = negotiate(
      localOpen({ capabilities: [ipv4Unicast, ipv6Unicast, ...all] }),
      peerOpen({ capabilities: [ipv4Unicast, ...all] }),
    );
    assert.deepEqual([...codec.addPathReceive], [v4Key]);
  });
});
