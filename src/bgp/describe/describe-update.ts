import { formatAsPath } from "../attribute/as-path.ts";
import { formatCommunity, formatLargeCommunity } from "../../net/community.ts";
import { decodePathAttributes } from "../attribute/decode-attributes.ts";
import { formatOrigin } from "../attribute/origin.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { formatFamily } from "../family/format-family.ts";
import { ipv4Unicast } from "../family/index.ts";
import { decodeIpv6NextHop } from "../family/next-hop.ts";
import type { CodecContext } from "../message/codec-context.ts";
import { endOfRibFamily } from "../message/end-of-rib.ts";
import { scanUpdate, UpdateView } from "../message/scan-update.ts";
import { formatIpAddress, formatIpv4 } from "../../net/ip-address.ts";
import { type DescribedAttribute, describeAttributes } from "./describe-attributes.ts";
import {
  type DescribedField,
  type DescribedNlri,
  describeMpNlri,
  describePrefixes,
} from "./describe-nlri.ts";
import { type DescribedError, describeAttributeError } from "./described-error.ts";

/** UPDATE, RFC 4271 §4.3 and RFC 4760: the routes of both of its places in one, and their attributes as they count. */
export interface DescribedUpdate {
  readonly type: "update";
  /** The family whose End-of-RIB it is (RFC 4724 §2): `ipv4-unicast`. */
  readonly endOfRib?: string;
  readonly withdrawn?: readonly DescribedNlri[];
  readonly announced?: readonly DescribedNlri[];
  /** That of the UPDATE's own prefixes; of MP_REACH_NLRI's where there are none. */
  readonly nextHop?: string;
  readonly origin?: string;
  readonly asPath?: string;
  readonly med?: number;
  readonly localPref?: number;
  readonly communities?: readonly string[];
  readonly largeCommunities?: readonly string[];
  readonly originatorId?: string;
  readonly clusterList?: readonly string[];
  /** All of them, as they came. */
  readonly attributes?: readonly DescribedAttribute[];
  readonly errors?: readonly DescribedError[];
}

/** @throws UpdateMessageError 3/1 when the total lengths lie */
export function describeUpdate(body: Uint8Array, context: CodecContext): DescribedUpdate {
  const view = new UpdateView();
  scanUpdate(body, 0, body.length, view);
  const { attributesEnd, attributesStart, nlriEnd, nlriStart } = view;
  const announces = nlriStart < nlriEnd;
  const decoded = decodePathAttributes(body, attributesStart, attributesEnd, context, {
    announces,
  });
  const errors = decoded.errors.map(describeAttributeError);
  const withdrawn: DescribedField = { nlri: [], errors };
  const announced: DescribedField = { nlri: [], errors };
  const withdrawnRange = { start: view.withdrawnStart, end: view.withdrawnEnd };
  describePrefixes(withdrawn, ipv4Unicast, body, withdrawnRange, context);
  const announcedRange = { start: nlriStart, end: nlriEnd };
  describePrefixes(announced, ipv4Unicast, body, announcedRange, context);
  if (decoded.mpUnreach) describeMpNlri(withdrawn, body, decoded.mpUnreach, context);
  if (decoded.mpReach) describeMpNlri(announced, body, decoded.mpReach, context);
  const attributes = describeAttributes(body, attributesStart, attributesEnd, context);
  return {
    type: "update",
    ...endOfRib(body, view),
    ...(withdrawn.nlri.length > 0 && { withdrawn: withdrawn.nlri }),
    ...(announced.nlri.length > 0 && { announced: announced.nlri }),
    ...(decoded.mpReach && foreignNextHop(body, view)),
    ...values(decoded.attributes),
    ...(attributes.length > 0 && { attributes }),
    ...(errors.length > 0 && { errors }),
  };
}

function endOfRib(body: Uint8Array, view: UpdateView): Pick<DescribedUpdate, "endOfRib"> {
  const key = view.broken ? undefined : endOfRibFamily(body, view);
  return key === undefined ? {} : { endOfRib: formatFamily(key >>> 8, key & 0xff) };
}

/** What families without a decoder have as next hop, where it is an address, or two as of IPv6 (RFC 2545 §3). */
function foreignNextHop(
  body: Uint8Array,
  { mpReachStart }: UpdateView,
): Pick<DescribedUpdate, "nextHop"> {
  const start = mpReachStart + 4;
  const octets = body.subarray(start, start + (body[start - 1] as number));
  const nextHop =
    octets.length === 4 ? formatIpAddress(octets) : decodeIpv6NextHop(octets)?.nextHop;
  return nextHop === undefined ? {} : { nextHop };
}

function values(attributes: PathAttributes): Partial<DescribedUpdate> {
  const { asPath, clusterList, communities, largeCommunities, localPref } = attributes;
  const { multiExitDisc, nextHop, origin, originatorId } = attributes;
  return {
    ...(nextHop !== undefined && { nextHop }),
    ...(origin !== undefined && { origin: formatOrigin(origin).toLowerCase() }),
    ...(asPath && { asPath: formatAsPath(asPath) }),
    ...(multiExitDisc !== undefined && { med: multiExitDisc }),
    ...(localPref !== undefined && { localPref }),
    ...(communities && { communities: communities.map(formatCommunity) }),
    ...(largeCommunities && { largeCommunities: largeCommunities.map(formatLargeCommunity) }),
    ...(originatorId !== undefined && { originatorId: formatIpv4(originatorId) }),
    ...(clusterList && { clusterList: clusterList.map(formatIpv4) }),
  };
}
