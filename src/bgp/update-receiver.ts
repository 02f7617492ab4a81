import { type DecodedAttributes, decodePathAttributes } from "./attribute/decode-attributes.ts";
import type { PathAttributes } from "./attribute/path-attributes.ts";
import { sessionResetError } from "./attribute/session-reset-error.ts";
import { type AttributeBlock, CommonAttributes } from "./common-attributes.ts";
import { formatFamily } from "./family/format-family.ts";
import { type Family, familyByKey, ipv4Unicast } from "./family/index.ts";
import type { VisitNlri } from "./family/nlri.ts";
import { AttributeFlag, Afi, headerOctets, maximumMessageOctets, Safi } from "./iana.ts";
import { type CodecContext, familyKey } from "./message/codec-context.ts";
import { endOfRibFamily } from "./message/end-of-rib.ts";
import type { AttributeError, MalformedOutcome } from "./message/message.ts";
import { scanUpdate, UpdateView } from "./message/scan-update.ts";
import type { Offence, Offending } from "./offence.ts";
import { countedPaths } from "./prefix-limit.ts";
import type { PathOffer } from "./rib/adj-rib-in.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import { type ImportPolicy, isMartian, oversizedFlags } from "./rib/import-policy.ts";
import { PathReason } from "./rib/path-reason.ts";
import { AttributeTrait } from "./rib/attribute-summary.ts";
import { contextBits } from "./rib/context-bits.ts";
import type { PathAttributeStore } from "./rib/path-attributes.ts";

/** Whose UPDATE it is, and how its octets are read. */
export interface UpdateSource {
  readonly peer: number;
  readonly context: CodecContext;
  /** Families in force on the session, by `familyKey`. */
  readonly families: ReadonlySet<number>;
  readonly importPolicy: ImportPolicy;
  /** Paths of a family from which on new ones are not taken; absent for any number. */
  readonly discardAbove?: number | undefined;
}

/** What an UPDATE turned out to be, beyond its routes. */
export interface UpdateReport {
  /** `familyKey` of the family whose End-of-RIB it was (RFC 4724 §2), or -1. */
  endOfRib: number;
  errors: readonly AttributeError[];
  outcome: "ok" | MalformedOutcome;
  /** Announcements not taken, as the peer has as many paths as it may. */
  discarded: number;
  /** What else is wrong with its routes; each once. */
  offendings: readonly Offending[];
}

const ipv4UnicastKey = familyKey(Afi.ipv4, Safi.unicast);
const noErrors: readonly AttributeError[] = [];
const noOffendings: readonly Offending[] = [];
/** Octets of attributes that leave room for a prefix in a message that is not extended. */
const plainAttributesOctets = maximumMessageOctets - headerOctets - 4 - 5;
/** AS_PATHs that are longer need several segments, and are nobody's but by mistake. */
const plainAsPathLength = 255;
const unusable = -1;

/**
 * Takes UPDATE messages from octets into the Adj-RIBs-In. The path of a prefix allocates nothing: attribute blocks seen
 * before are found by their octets, prefixes go from the message straight into the columns.
 */
export class UpdateReceiver {
  readonly #store: PathAttributeStore;
  readonly #ribs: ReadonlyMap<number, FamilyRib>;
  readonly #view = new UpdateView();
  readonly #report: UpdateReport = {
    endOfRib: -1,
    errors: noErrors,
    outcome: "ok",
    discarded: 0,
    offendings: noOffendings,
  };
  readonly #offer: PathOffer = {
    prefix: 0,
    peer: 0,
    pathId: 0,
    attributes: 0,
    received: -1,
    flags: 0,
    atSeconds: 0,
  };
  #rib: FamilyRib | undefined;
  #policy: ImportPolicy | undefined;
  /** What the import policy says of the block at hand. */
  #blockFlags = 0;
  #discardAbove = Number.POSITIVE_INFINITY;
  readonly #common = new CommonAttributes();

  constructor(store: PathAttributeStore, ribs: ReadonlyMap<number, FamilyRib>) {
    this.#store = store;
    this.#ribs = ribs;
  }

  readonly #expect = (_: number, octets: Uint8Array, offset: number, lengthBits: number): void => {
    (this.#rib as FamilyRib).prefixes.expect(octets, offset, lengthBits);
  };

  readonly #announce = (
    pathId: number,
    octets: Uint8Array,
    offset: number,
    lengthBits: number,
  ): void => {
    const rib = this.#rib as FamilyRib;
    const offer = this.#offer;
    offer.prefix = rib.prefixes.intern(octets, offset, lengthBits);
    offer.pathId = pathId;
    const policy = this.#policy as ImportPolicy;
    offer.flags = policy.flags(rib.prefixes, offer.prefix, this.#blockFlags);
    if (offer.flags !== 0 && isMartian(rib.prefixes, offer.prefix)) {
      this.#offends("martian-prefix", `${rib.prefixes.text(offer.prefix)} is nobody's to announce`);
    }
    if (rib.paths.announce(offer)) rib.locRib.markDirty(offer.prefix);
  };

  /** As `#announce`, for a peer that may have so many paths only. */
  readonly #announceWithin = (
    pathId: number,
    octets: Uint8Array,
    offset: number,
    lengthBits: number,
  ): void => {
    const { paths, prefixes } = this.#rib as FamilyRib;
    const { peer } = this.#offer;
    const limit = this.#discardAbove;
    if (countedPaths(paths.counts(peer), limit) >= limit) {
      const prefix = prefixes.find(octets, offset, lengthBits);
      const row = prefix < 0 ? -1 : paths.find(prefix, peer, pathId);
      if (row < 0 || paths.isStale(row)) {
        this.#report.discarded++;
        // What it announces takes the place of what is stale, be it taken or not.
        if (row >= 0) this.#withdraw(pathId, octets, offset, lengthBits);
        return;
      }
    }
    this.#announce(pathId, octets, offset, lengthBits);
  };

  readonly #withdraw = (
    pathId: number,
    octets: Uint8Array,
    offset: number,
    lengthBits: number,
  ): void => {
    const rib = this.#rib as FamilyRib;
    const prefix = rib.prefixes.find(octets, offset, lengthBits);
    if (prefix >= 0 && rib.paths.withdraw(prefix, this.#offer.peer, pathId)) {
      rib.locRib.markDirty(prefix);
    }
  };

  /**
   * Takes one UPDATE body, `octets[start..end)`.
   * @returns a report that is reused by the next call
   * @throws UpdateMessageError for what resets the session (RFC 7606 §3)
   */
  receive(
    octets: Uint8Array,
    start: number,
    end: number,
    source: UpdateSource,
    nowMs: number,
  ): UpdateReport {
    const view = this.#view;
    const report = this.#report;
    report.endOfRib = -1;
    report.errors = noErrors;
    report.outcome = "ok";
    report.discarded = 0;
    report.offendings = noOffendings;
    this.#discardAbove = source.discardAbove ?? Number.POSITIVE_INFINITY;
    scanUpdate(octets, start, end, view);
    this.#offer.peer = source.peer;
    this.#offer.atSeconds = Math.floor(nowMs / 1000);
    this.#policy = source.importPolicy;
    this.#walk(
      octets,
      view.withdrawnStart,
      view.withdrawnEnd,
      ipv4UnicastKey,
      source,
      this.#withdraw,
    );
    if (view.mpUnreachStart >= 0 && !view.broken) {
      this.#walkMp(octets, view.mpUnreachStart, view.mpUnreachEnd, 3, source, this.#withdraw);
    }
    const announces = view.nlriEnd > view.nlriStart;
    const reaches = view.mpReachStart >= 0;
    if (!announces && !reaches && !view.broken) {
      const endOfRib = endOfRibFamily(octets, view);
      if (endOfRib !== undefined) return this.#takeEndOfRib(endOfRib, source);
    }
    this.#takeRoutes(octets, source, announces, reaches);
    return report;
  }

  #takeEndOfRib(key: number, { families }: UpdateSource): UpdateReport {
    const report = this.#report;
    if (families.has(key)) report.endOfRib = key;
    else this.#offendsByFamily(key);
    return report;
  }

  /** What is said of a family that is not in force is ignored (RFC 4760 §7). */
  #offendsByFamily(key: number): void {
    const name = formatFamily(key >>> 8, key & 0xff);
    this.#offends("foreign-family", `${name} is not in force on this session`);
  }

  /** Announces the routes, or withdraws them where RFC 7606 says so. */
  #takeRoutes(
    octets: Uint8Array,
    source: UpdateSource,
    announces: boolean,
    reaches: boolean,
  ): void {
    const bits = contextBits(source.context, source.importPolicy.rules.allowedOwnAsns);
    const isSound = !this.#view.broken && !this.#isMpMalformed(octets, source.context);
    let classic = announces && isSound ? this.#findPlain(octets, bits, !reaches) : unusable;
    let multiprotocol = reaches && isSound ? this.#find(octets, true, bits) : unusable;
    if (this.#needsDecoding(announces, classic) || this.#needsDecoding(reaches, multiprotocol)) {
      const decoded = this.#decode(octets, source, announces);
      if (decoded === undefined) return this.#treatAsWithdraw(octets, source);
      const clean = decoded.errors.length === 0;
      if (announces && classic < 0) {
        classic = this.#add(octets, false, bits, clean, decoded.attributes);
      }
      if (reaches && multiprotocol < 0) {
        const attributes = decoded.mpReach?.attributes ?? decoded.attributes;
        multiprotocol = this.#add(octets, true, bits, clean, attributes);
      }
    } else if (!announces && !reaches) this.#decode(octets, source, false);
    this.#announceWith(classic, multiprotocol, octets, source);
  }

  /** Announces the routes of both fields, each with its block; `unusable` where the field is empty. */
  #announceWith(
    classic: number,
    multiprotocol: number,
    octets: Uint8Array,
    source: UpdateSource,
  ): void {
    const store = this.#store;
    const view = this.#view;
    const announce = source.discardAbove === undefined ? this.#announce : this.#announceWithin;
    // Blocks are held until all is announced: the one must not go with a path that the other replaces.
    if (classic >= 0) store.retain(classic);
    if (multiprotocol >= 0) store.retain(multiprotocol);
    let used = -1;
    let multiprotocolUsed = -1;
    try {
      if (classic >= 0) {
        used = this.#offerBlock(classic, ipv4Unicast);
        this.#walk(octets, view.nlriStart, view.nlriEnd, ipv4UnicastKey, source, announce);
      }
      if (multiprotocol >= 0) {
        const family = this.#reachFamily(octets);
        if (family !== undefined) multiprotocolUsed = this.#offerBlock(multiprotocol, family);
        this.#walkReach(octets, source, announce);
      }
    } finally {
      if (used >= 0) store.release(used);
      if (multiprotocolUsed >= 0) store.release(multiprotocolUsed);
      if (classic >= 0) store.release(classic);
      if (multiprotocol >= 0) store.release(multiprotocol);
    }
  }

  /** Has the routes that follow offered with a block as the import policy makes it. @returns that block, with a reference */
  #offerBlock(block: number, family: Family): number {
    const policy = this.#policy as ImportPolicy;
    const applied = policy.apply(this.#store, family, block);
    const used = applied < 0 ? block : applied;
    this.#store.retain(used);
    this.#blockFlags = applied < 0 ? oversizedFlags : policy.judge(this.#store, block);
    this.#lookAt(block);
    if (applied < 0) {
      this.#offends("oversized-attributes", "its attributes take more than 65535 octets here");
    }
    this.#offer.attributes = used;
    this.#offer.received = used === block ? -1 : block;
    return used;
  }

  /** Notes what is odd about a block and yet not malformed. */
  #lookAt(block: number): void {
    const store = this.#store;
    if (store.ineligible(block) === PathReason.ownNextHop) {
      this.#offends("own-next-hop", "the next hop is our own address");
    }
    if (store.asPathLength(block) > plainAsPathLength) {
      this.#offends("long-as-path", `AS_PATH has a length of ${store.asPathLength(block)}`);
    }
    if (store.length(block) > plainAttributesOctets) {
      const octets = store.length(block);
      this.#offends(
        "large-attributes",
        `${octets} octets of attributes fit extended messages only`,
      );
    }
  }

  /** Reports it, once for the UPDATE. */
  #offends(offence: Offence, text: string): void {
    const report = this.#report;
    if (report.offendings.some((known) => known.offence === offence)) return;
    report.offendings = [...report.offendings, { offence, text }];
  }

  /** Is the block of routes that are announced unknown, or known to have something to report each time? */
  #needsDecoding(announces: boolean, block: number): boolean {
    return announces && (block < 0 || !this.#store.has(block, AttributeTrait.clean));
  }

  /** Is something wrong with the MP attributes that blocks, which hold only parts of them, do not show? */
  #isMpMalformed(octets: Uint8Array, { extendedNextHop = false }: CodecContext): boolean {
    const { mpReachAttributeStart, mpReachStart, mpReachEnd } = this.#view;
    const { mpUnreachAttributeStart, mpUnreachStart, mpUnreachEnd } = this.#view;
    if (mpReachStart >= 0) {
      if (!hasMpFlags(octets, mpReachAttributeStart)) return true;
      const length = mpReachEnd - mpReachStart;
      const nextHopOctets = octets[mpReachStart + 3] as number;
      if (length < 5 || length < 5 + nextHopOctets) return true;
      // The same octets are fine on another session, which a block would not show.
      const isIpv4 = mpFamilyKey(octets, mpReachStart) === ipv4UnicastKey;
      if (isIpv4 && nextHopOctets !== 4 && !extendedNextHop) return true;
    }
    if (mpUnreachStart < 0) return false;
    return !hasMpFlags(octets, mpUnreachAttributeStart) || mpUnreachEnd - mpUnreachStart < 3;
  }

  #walk(
    octets: Uint8Array,
    start: number,
    end: number,
    key: number,
    source: UpdateSource,
    visit: VisitNlri,
  ): void {
    if (start >= end) return;
    // A family that was not negotiated is ignored, which is all that RFC 4760 §7 asks, but must parse: what does not says
    // that we and the peer read octets differently (RFC 7606 §3 j). NLRI of a family without a row can be ignored only.
    const rib = source.families.has(key) ? this.#ribs.get(key) : undefined;
    if (rib === undefined) this.#offendsByFamily(key);
    const family = rib?.family ?? familyByKey(key);
    if (family === undefined) return;
    const addPath = source.context.addPathReceive.has(key);
    if (rib === undefined) return family.walkNlri(octets, start, end, addPath, ignore);
    this.#rib = rib;
    // Twice: none is taken where one does not parse; and the cache misses of looking them up, which take the most, come at once.
    family.walkNlri(octets, start, end, addPath, this.#expect);
    rib.prefixes.prefetch();
    family.walkNlri(octets, start, end, addPath, visit);
  }

  /** Walks the NLRI of an MP attribute whose value's NLRI starts `nlriAt` octets in. */
  #walkMp(
    octets: Uint8Array,
    start: number,
    end: number,
    nlriAt: number,
    source: UpdateSource,
    visit: VisitNlri,
  ): void {
    if (end - start < nlriAt) return; // malformed, and said so by the full decoding
    const key = mpFamilyKey(octets, start);
    this.#walk(octets, start + nlriAt, end, key, source, visit);
  }

  #reachFamily(octets: Uint8Array): Family | undefined {
    return familyByKey(mpFamilyKey(octets, this.#view.mpReachStart));
  }

  #walkReach(octets: Uint8Array, source: UpdateSource, visit: VisitNlri): void {
    const { mpReachStart, mpReachEnd } = this.#view;
    if (mpReachStart < 0) return;
    const nlriAt = 5 + (octets[mpReachStart + 3] as number);
    this.#walkMp(octets, mpReachStart, mpReachEnd, nlriAt, source, visit);
  }

  #blockOf(octets: Uint8Array, reach: boolean): AttributeBlock {
    return this.#common.of(octets, this.#view, reach);
  }

  #find(octets: Uint8Array, reach: boolean, bits: number): number {
    const block = this.#blockOf(octets, reach);
    return this.#store.find(block.octets, block.start, block.end, bits);
  }

  /** Finds the block of the UPDATE's own NLRI field, or adds it where it is plain. @param alone no other attributes need decoding */
  #findPlain(octets: Uint8Array, bits: number, alone: boolean): number {
    const { octets: block, start, end } = this.#blockOf(octets, false);
    // With MP_UNREACH_NLRI the block is normalised, and the decoder is to look at that attribute.
    return alone && this.#view.mpUnreachStart < 0
      ? this.#store.intern(block, start, end, bits)
      : this.#store.find(block, start, end, bits);
  }

  #add(
    octets: Uint8Array,
    reach: boolean,
    bits: number,
    clean: boolean,
    attributes: PathAttributes,
  ): number {
    // With an attribute discarded the octets are kept all the same: whoever decodes them again discards it again.
    const { octets: block, start, end } = this.#blockOf(octets, reach);
    return this.#store.add(block, { start, end, clean }, bits, attributes);
  }

  /** @returns `undefined` for treat-as-withdraw */
  #decode(
    octets: Uint8Array,
    source: UpdateSource,
    announces: boolean,
  ): DecodedAttributes | undefined {
    const { attributesStart, attributesEnd } = this.#view;
    const decoded = decodePathAttributes(octets, attributesStart, attributesEnd, source.context, {
      announces,
    });
    const report = this.#report;
    report.errors = decoded.errors;
    report.outcome = decoded.outcome;
    const reset = sessionResetError(decoded.errors);
    if (reset !== undefined) throw reset;
    return decoded.outcome === "treat-as-withdraw" ? undefined : decoded;
  }

  #treatAsWithdraw(octets: Uint8Array, source: UpdateSource): void {
    const view = this.#view;
    this.#walk(octets, view.nlriStart, view.nlriEnd, ipv4UnicastKey, source, this.#withdraw);
    this.#walkReach(octets, source, this.#withdraw);
    if (view.broken && view.mpUnreachStart >= 0) {
      this.#walkMp(octets, view.mpUnreachStart, view.mpUnreachEnd, 3, source, this.#withdraw);
    }
  }
}

function ignore(): void {}

/** Optional, non-transitive. */
function hasMpFlags(octets: Uint8Array, at: number): boolean {
  const bits = AttributeFlag.optional | AttributeFlag.transitive;
  return ((octets[at] as number) & bits) === AttributeFlag.optional;
}

function mpFamilyKey(octets: Uint8Array, at: number): number {
  return familyKey(
    ((octets[at] as number) << 8) | (octets[at + 1] as number),
    octets[at + 2] as number,
  );
}
