import { encodePathAttributes } from "../attribute/encode-attributes.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Family } from "../family/family.ts";
import { AttributeCode, AttributeFlag } from "../iana.ts";
import { isTransitive } from "../../net/extended-community.ts";
import { isLinkLocalText, parseIpAddress } from "../../net/ip-address.ts";
import { WellKnownCommunity } from "../../net/community.ts";
import type { CodecContext } from "../message/codec-context.ts";
import { Writer } from "../../wire/writer.ts";
import { type ExportProfile, isOnSharedLink } from "./export-profile.ts";
import { AttributeTrait, defaultLocalPref } from "./attribute-summary.ts";
import { exportedAsPath } from "./as-path-policy.ts";
import { codecBits, contextBits } from "./context-bits.ts";
import {
  exportedCommunities,
  type ExportPolicy,
  isNextHopSelf,
  leavesAttributes,
} from "./export-policy.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathSource, type RibPeer } from "./source.ts";

/** What a selected path's attributes become on their way to peers of a profile. */
function exportedAttributes(
  attributes: PathAttributes,
  from: { readonly source: number; readonly identifier: number },
  profile: ExportProfile,
): PathAttributes {
  const { policy, external } = profile;
  const { communities, largeCommunities, multiExitDisc, nextHop, linkLocalNextHop, ...others } =
    attributes;
  const isSelf =
    isUnsayable(profile, nextHop) || isNextHopSelf(policy, from.source, external, nextHop);
  const isOurs = isSelf || (from.source === PathSource.local && nextHop === profile.nextHopSelf);
  const { onlyToCustomer = policy.onlyToCustomer } = attributes;
  const common: PathAttributes = {
    ...others,
    ...exportedCommunities(policy, attributes),
    ...exportedMed(policy, from.source, external, multiExitDisc),
    ...(isSelf ? { nextHop: profile.nextHopSelf } : nextHop !== undefined && { nextHop }),
    ...(isOurs
      ? profile.linkLocalSelf !== "" && { linkLocalNextHop: profile.linkLocalSelf }
      : passedOnLinkLocal(profile, attributes)),
    ...(onlyToCustomer !== 0 && { onlyToCustomer }),
  };
  if (external) return toOtherAs(common, profile);
  return withinAs(isDemoted(profile, common) ? demoted(common) : common, from, profile);
}

/** Somebody else's link-local next hop is of use to who shares the link with it (RFC 2545 §3). */
function passedOnLinkLocal(
  profile: ExportProfile,
  { nextHop = "", linkLocalNextHop }: PathAttributes,
): Pick<PathAttributes, "linkLocalNextHop"> {
  const octets = parseIpAddress(nextHop);
  const isShared = octets !== undefined && isOnSharedLink(profile, octets);
  return isShared && linkLocalNextHop !== undefined ? { linkLocalNextHop } : {};
}

/** What may become ourselves must, where peers could not use the next hop that it has. */
function isUnsayable({ takesIpv6NextHop }: ExportProfile, nextHop = ""): boolean {
  return nextHop.includes(":") && (!takesIpv6NextHop || isLinkLocalText(nextHop));
}

function isDemoted({ longLivedStale }: ExportProfile, { communities }: PathAttributes): boolean {
  return (
    longLivedStale === "demoted" && communities?.includes(WellKnownCommunity.llgrStale) === true
  );
}

/** What a long-lived stale path is to those within our AS who do not know LLGR_STALE (RFC 9494 §4.6). */
function demoted(attributes: PathAttributes): PathAttributes {
  const communities = new Set(attributes.communities).add(WellKnownCommunity.noExport);
  return { ...attributes, localPref: 0, communities: [...communities] };
}

/** RFC 4271 §5.1.4: a MED received from one neighbouring AS is not passed on to another. */
function exportedMed(
  { med }: ExportPolicy,
  source: number,
  external: boolean,
  multiExitDisc: number | undefined,
): Pick<PathAttributes, "multiExitDisc"> {
  if (typeof med === "number") return { multiExitDisc: med };
  if (multiExitDisc === undefined) return {};
  return external && med === "own" && source !== PathSource.local ? {} : { multiExitDisc };
}

function toOtherAs(
  { originatorId, clusterList, localPref, ...attributes }: PathAttributes,
  { policy }: ExportProfile,
): PathAttributes {
  const { asPath = [], extendedCommunities, ...common } = attributes;
  // RFC 4360 §6: non-transitive ones are removed.
  const transitive = extendedCommunities?.filter(isTransitive) ?? [];
  return {
    ...common,
    asPath: exportedAsPath(asPath, policy),
    ...(transitive.length > 0 && { extendedCommunities: transitive }),
  };
}

function withinAs(
  attributes: PathAttributes,
  from: { readonly source: number; readonly identifier: number },
  { clusterId }: ExportProfile,
): PathAttributes {
  const { originatorId, clusterList, localPref, ...common } = attributes;
  const reflected = from.source === PathSource.client || from.source === PathSource.nonClient;
  return {
    ...common,
    localPref: localPref ?? defaultLocalPref,
    ...(reflected && {
      originatorId: originatorId ?? from.identifier,
      clusterList: [clusterId, ...(clusterList ?? [])],
    }),
  };
}

/**
 * Encodes the attributes of one path as peers of one profile get them, into a buffer that is used again at the next
 * call. A reflected block whose attributes all pass unchanged is spliced from its received octets, without decoding.
 */
export class EgressAttributes {
  readonly #store: PathAttributeStore;
  readonly #family: Family;
  readonly #profile: ExportProfile;
  readonly #context: CodecContext;
  readonly #mayBeClassic: boolean;
  readonly #writer = new Writer(1024);
  /** The prefixes go into the UPDATE's own field, and the next hop into NEXT_HOP: IPv4 with an IPv4 next hop. */
  classic = false;
  octets = new Uint8Array(512);
  /** Octets of attributes without MP_REACH_NLRI. */
  length = 0;
  /** The next hop as it stands in MP_REACH_NLRI, for families that use it. */
  nextHop: Uint8Array = new Uint8Array(0);

  constructor(store: PathAttributeStore, family: Family, profile: ExportProfile, classic: boolean) {
    this.#store = store;
    this.#family = family;
    this.#profile = profile;
    this.#mayBeClassic = classic;
    this.#context = {
      fourOctetAs: profile.fourOctetAs,
      external: profile.external,
      maximumMessageOctets: profile.maximumMessageOctets,
      addPathReceive: new Set(),
      addPathSend: new Set(),
    };
  }

  /** @returns false where a path cannot be said to such peers in whatever message: they are to be told that it is gone */
  encode(attributes: number, source: number, peer: RibPeer): boolean {
    const store = this.#store;
    if (
      !this.#profile.external &&
      source !== PathSource.external &&
      store.has(attributes, AttributeTrait.verbatim) &&
      codecBits(store.contextBits(attributes)) === contextBits(this.#context) &&
      leavesAttributes(this.#profile.policy, source) &&
      (this.#profile.longLivedStale !== "demoted" ||
        !store.has(attributes, AttributeTrait.llgrStale)) &&
      (source !== PathSource.local || this.#profile.linkLocalSelf === "")
    ) {
      if (this.#splice(attributes, source, peer.identifier)) return true;
    }
    const exported = exportedAttributes(
      store.attributes(attributes),
      { source, identifier: peer.identifier },
      this.#profile,
    );
    this.#writer.truncate(0);
    this.classic = this.#mayBeClassic && exported.nextHop?.includes(":") !== true;
    if (!this.#takeNextHop(exported)) return false;
    const options = { nextHop: this.classic };
    if (!encodePathAttributes(exported, this.#context, this.#writer, options)) return false;
    const view = this.#writer.view();
    if (view.length > this.octets.length) this.octets = new Uint8Array(view.length * 2);
    this.octets.set(view);
    this.length = view.length;
    return true;
  }

  /** @returns false where there is none, or none that the family's routes can have */
  #takeNextHop({ nextHop = "", linkLocalNextHop }: PathAttributes): boolean {
    const octets = parseIpAddress(nextHop)?.length;
    if (octets === undefined || (octets === 4 && this.#family.version === 6)) return false;
    if (this.classic) return true;
    const writer = new Writer(32);
    this.#family.encodeNextHop(
      { nextHop, ...(linkLocalNextHop !== undefined && { linkLocalNextHop }) },
      writer,
    );
    this.nextHop = writer.finish();
    return true;
  }

  /** @returns false when the block's next hop does not stand where the family wants it */
  #splice(attributes: number, source: number, identifier: number): boolean {
    const from = this.#store.octets(attributes);
    const start = this.#store.start(attributes);
    const end = start + this.#store.length(attributes);
    if (end - start + 32 > this.octets.length) this.octets = new Uint8Array((end - start) * 2);
    const reflected = source !== PathSource.local;
    let originatorDue = reflected && !this.#store.has(attributes, AttributeTrait.hasOriginatorId);
    let clusterDue = reflected;
    let hasMpReach = false;
    this.length = 0;
    for (let at = start; at < end; ) {
      const flags = from[at] as number;
      const code = from[at + 1] as number;
      const extended = (flags & AttributeFlag.extendedLength) !== 0;
      const valueAt = at + (extended ? 4 : 3);
      const valueLength = extended
        ? ((from[at + 2] as number) << 8) | (from[at + 3] as number)
        : (from[at + 2] as number);
      const next = valueAt + valueLength;
      if (code === AttributeCode.mpReachNlri) {
        hasMpReach = true;
        const nextHopAt = valueAt + 4;
        const nextHop = from.subarray(nextHopAt, nextHopAt + (from[valueAt + 3] as number));
        this.nextHop = this.#splicedNextHop(nextHop);
        at = next;
        continue;
      }
      if (originatorDue && code > AttributeCode.originatorId) {
        this.#originator(identifier);
        originatorDue = false;
      }
      if (clusterDue && code >= AttributeCode.clusterList) {
        const held = code === AttributeCode.clusterList;
        this.#clusterList(from, valueAt, held ? valueLength : 0);
        clusterDue = false;
        if (held) {
          at = next;
          continue;
        }
      }
      this.#copy(from, at, next);
      at = next;
    }
    this.classic = this.#mayBeClassic && !hasMpReach;
    if (this.#isMisplaced(hasMpReach)) return false;
    if (originatorDue) this.#originator(identifier);
    if (clusterDue) this.#clusterList(from, 0, 0);
    return true;
  }

  /** Without a link-local address that is of no use to the peers. */
  #splicedNextHop(octets: Uint8Array): Uint8Array {
    if (octets.length !== 32) return octets;
    const global = octets.subarray(0, 16);
    return isOnSharedLink(this.#profile, global) ? octets : global;
  }

  /** An IPv4 next hop of an IPv4 route, which some put into MP_REACH_NLRI, too, goes into NEXT_HOP; all else does not. */
  #isMisplaced(hasMpReach: boolean): boolean {
    return this.#mayBeClassic ? hasMpReach && this.nextHop.length === 4 : !hasMpReach;
  }

  #uint32(value: number): void {
    const at = this.length;
    this.octets[at] = value >>> 24;
    this.octets[at + 1] = value >>> 16;
    this.octets[at + 2] = value >>> 8;
    this.octets[at + 3] = value;
    this.length = at + 4;
  }

  #originator(identifier: number): void {
    this.octets[this.length++] = AttributeFlag.optional;
    this.octets[this.length++] = AttributeCode.originatorId;
    this.octets[this.length++] = 4;
    this.#uint32(identifier);
  }

  /** Our cluster id in front of the list that came (RFC 4456 §8). */
  #clusterList(from: Uint8Array, valueAt: number, valueLength: number): void {
    const length = valueLength + 4;
    const extended = length > 255;
    this.octets[this.length++] =
      AttributeFlag.optional | (extended ? AttributeFlag.extendedLength : 0);
    this.octets[this.length++] = AttributeCode.clusterList;
    if (extended) this.octets[this.length++] = length >>> 8;
    this.octets[this.length++] = length;
    this.#uint32(this.#profile.clusterId);
    this.#copy(from, valueAt, valueAt + valueLength);
  }

  /** A loop: for a few octets a view and a call cost more. */
  #copy(from: Uint8Array, start: number, end: number): void {
    const { octets } = this;
    let to = this.length;
    for (let at = start; at < end; at++) octets[to++] = from[at] as number;
    this.length = to;
  }
}
