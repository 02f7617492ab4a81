import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decideMode } from "../../src/felix/encapsulation.ts";
import { judgeSegment } from "../../src/felix/segment.ts";
import { SegmentClaims } from "../../src/felix/segment-claims.ts";
import { formatIpv4, parseIpAddress } from "../../src/net/ip-address.ts";
import {
  hostPrefix,
  type Prefix,
  prefixContainsAddress,
  prefixFromOctets,
} from "../../src/net/prefix.ts";
import { decodeSegmentClaim, encodeSegmentClaim } from "../../src/net/segment-claim.ts";

interface End {
  readonly address: string;
  readonly length: number;
  /** Asks for the other in vain. */
  readonly isSilent: boolean;
}

const octets = (address: string): Uint8Array => parseIpAddress(address) as Uint8Array;
const subnetOf = ({ address, length }: End): Prefix => prefixFromOctets(octets(address), length);

/** How `here` reaches `there`, by its own kernel and by what `there` announces. */
function mode(here: End, there: End): string | undefined {
  const subnet = subnetOf(here);
  const isOnLink = prefixContainsAddress(subnet, octets(there.address));
  const communities = encodeSegmentClaim(
    there.address,
    there.length,
    there.isSilent ? [here.address] : [],
  );
  const claim = decodeSegmentClaim(there.address, communities);
  const claims = new SegmentClaims({ 4: here.address });
  claims.set(hostPrefix(octets(there.address)), claim === undefined ? [] : [claim]);
  const claimed = claims.subnet(there.address);
  const verdict = judgeSegment(
    there.address,
    {
      found: true,
      route: {
        prefix: isOnLink ? subnet : prefixFromOctets(octets("0.0.0.0"), 0),
        type: "unicast",
        hops: [
          { gateway: isOnLink ? undefined : "10.0.0.1", ifindex: 2, onlink: false, weight: 1 },
        ],
        ...{ table: 254, protocol: 2, scope: 253, metric: 0, source: undefined, extras: "" },
      },
    },
    {
      protocol: 77,
      deviceName: () => "eth0",
      isInterfaceSubnet: (_, prefix) => prefix.text === subnet.text,
      isSilent: () => here.isSilent,
      isDeaf: (address) => claims.isDeaf(address),
      ...(claimed !== undefined && { theirSubnet: { prefix: claimed, saidBy: "announcement" } }),
      nodeAddress: here.address,
    },
  );
  return decideMode(verdict, "cross-subnet").mode;
}

test("two nodes go the same way to each other, whatever their masks and whoever does not hear whom", () => {
  const end = fc.record({
    address: fc.integer({ min: 2, max: 0xfffe }).map((host) => formatIpv4(0x0a00_0000 + host)),
    length: fc.integer({ min: 8, max: 32 }),
    isSilent: fc.boolean(),
  });
  fc.assert(
    fc.property(end, end, (a, b) => {
      fc.pre(a.address !== b.address);
      assert.equal(mode(a, b), mode(b, a));
    }),
    { numRuns: 2000 },
  );
});
