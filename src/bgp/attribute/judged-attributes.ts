import { AttributeCode, UpdateSubcode } from "../iana.ts";
import { type AttributeKind, Malformed } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";
import { walkAttributes } from "./walk-attributes.ts";

/** An attribute that nothing here uses: its flags and its form are judged, and a transitive one passes as an unknown one does. */
export interface JudgedAttribute extends AttributeKind {
  /** What is wrong with the value, by its length and the lengths inside of it alone: new types of what it holds are none of our business. */
  judge(value: Uint8Array): Malformed | undefined;
}

/** A value of at least so many octets. */
function atLeast(octets: number) {
  return (value: Uint8Array): Malformed | undefined =>
    value.length < octets ? wrongLength(value.length, `at least ${octets}`) : undefined;
}

/** A list, not empty, of items of so many octets. */
function multipleOf(octets: number) {
  return (value: Uint8Array): Malformed | undefined => {
    if (value.length > 0 && value.length % octets === 0) return undefined;
    return wrongLength(value.length, `a multiple of ${octets}`);
  };
}

/** A list, not empty, of a type, a length of two octets, and as many octets. @param lengthIncludes of the header, what the length counts */
function typeLengthValues(typeOctets: 1 | 2, lengthIncludes = 0) {
  const headerOctets = typeOctets + 2;
  return (value: Uint8Array): Malformed | undefined => {
    if (value.length === 0) return wrongLength(0, `at least ${headerOctets}`);
    let at = 0;
    while (at < value.length) {
      const lengthAt = at + typeOctets;
      const length = ((value[lengthAt] ?? 0) << 8) | (value[lengthAt + 1] ?? 0);
      const next = at + headerOctets + length - lengthIncludes;
      if (at + headerOctets > value.length || next > value.length || length < lengthIncludes) {
        const message = `what starts at octet ${at} is cut short`;
        return new Malformed(UpdateSubcode.optionalAttributeError, message);
      }
      at = next;
    }
    return undefined;
  };
}

/** RFC 9012 §13: the last sub-TLV of each tunnel ends with it; an attribute without a tunnel is discarded. */
function tunnels(value: Uint8Array): Malformed | undefined {
  const malformed = typeLengthValues(2)(value);
  if (value.length === 0) {
    const message = "there is no tunnel in it";
    return new Malformed(UpdateSubcode.optionalAttributeError, message, "attribute-discard");
  }
  if (malformed !== undefined) return malformed;
  for (let at = 0; at < value.length; ) {
    const end = at + 4 + (((value[at + 2] as number) << 8) | (value[at + 3] as number));
    const overrun = overrunningSubTlv(value, at + 4, end);
    if (overrun >= 0) {
      const message = `the sub-TLV at octet ${overrun} does not end within its tunnel`;
      return new Malformed(UpdateSubcode.optionalAttributeError, message);
    }
    at = end;
  }
  return undefined;
}

/** Where a sub-TLV starts that is longer than its tunnel, or -1. From type 128 on the length has two octets (RFC 9012 §2). */
function overrunningSubTlv(value: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const isLong = (value[at] as number) >= 128;
    const headerOctets = isLong ? 3 : 2;
    if (at + headerOctets > end) return at;
    const first = value[at + 1] as number;
    const length = isLong ? (first << 8) | (value[at + 2] as number) : first;
    if (at + headerOctets + length > end) return at;
    at += headerOctets + length;
  }
  return -1;
}

/** Four octets of the origin AS, and path attributes. */
function attributeSet(value: Uint8Array): Malformed | undefined {
  if (value.length < 4) return wrongLength(value.length, "at least 4");
  const overrun = walkAttributes(value, 4, value.length, () => {});
  return overrun && new Malformed(UpdateSubcode.optionalAttributeError, overrun.message);
}

/** By ascending code. */
export const judgedAttributes: readonly JudgedAttribute[] = [
  {
    code: AttributeCode.pmsiTunnel, // RFC 6514 §5
    title: "PMSI_TUNNEL",
    category: "optional transitive",
    malformed: "treat-as-withdraw",
    judge: atLeast(5),
  },
  {
    code: AttributeCode.tunnelEncapsulation, // RFC 9012 §13
    title: "TUNNEL_ENCAPSULATION",
    category: "optional transitive",
    malformed: "treat-as-withdraw",
    misflagged: "attribute-discard",
    judge: tunnels,
  },
  {
    code: AttributeCode.trafficEngineering, // RFC 5543, RFC 7606 §7.13
    title: "TRAFFIC_ENGINEERING",
    category: "optional non-transitive",
    malformed: "treat-as-withdraw",
    judge: atLeast(36),
  },
  {
    code: AttributeCode.ipv6ExtendedCommunities, // RFC 5701, RFC 7606 §7.15
    title: "IPV6_EXTENDED_COMMUNITIES",
    category: "optional transitive",
    malformed: "treat-as-withdraw",
    judge: multipleOf(20),
  },
  {
    code: AttributeCode.aigp, // RFC 7311 §3.2
    title: "AIGP",
    category: "optional non-transitive",
    malformed: "attribute-discard",
    misflagged: "attribute-discard",
    judge: typeLengthValues(1, 3),
  },
  {
    code: AttributeCode.peDistinguisherLabels, // RFC 6514 §8
    title: "PE_DISTINGUISHER_LABELS",
    category: "optional transitive",
    malformed: "treat-as-withdraw",
    judge: atLeast(7),
  },
  {
    code: AttributeCode.bgpLs, // RFC 9552 §8.2.2
    title: "BGP-LS",
    category: "optional non-transitive",
    malformed: "attribute-discard",
    judge: typeLengthValues(2),
  },
  {
    code: AttributeCode.bfdDiscriminator, // RFC 9026 §3.1.6
    title: "BFD_DISCRIMINATOR",
    category: "optional transitive",
    malformed: "attribute-discard",
    judge: atLeast(5),
  },
  {
    code: AttributeCode.prefixSid, // RFC 8669 §6
    title: "PREFIX_SID",
    category: "optional transitive",
    malformed: "attribute-discard",
    judge: typeLengthValues(1),
  },
  {
    code: AttributeCode.attributeSet, // RFC 6368 §5, RFC 7606 §7.16
    title: "ATTR_SET",
    category: "optional transitive",
    malformed: "treat-as-withdraw",
    judge: attributeSet,
  },
];
