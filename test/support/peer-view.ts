import assert from "node:assert/strict";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { headerOctets, MessageType, RefreshSubtype } from "../../src/bgp/iana.ts";
import { type CodecContext, familyKey } from "../../src/bgp/message/codec-context.ts";
import { decodeHeader } from "../../src/bgp/message/header.ts";
import type { Nlri, UpdateMessage } from "../../src/bgp/message/message.ts";
import { decodeUpdate } from "../../src/bgp/message/update.ts";

/** A codec context; by default that of an iBGP session of 4-octet AS numbers. */
export function codec(changes: Partial<CodecContext> = {}): CodecContext {
  return {
    fourOctetAs: true,
    external: false,
    maximumMessageOctets: 4096,
    addPathReceive: new Set(),
    addPathSend: new Set(),
    ...changes,
  };
}

/** Cuts a stream of whole messages. */
export function* splitMessages(octets: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < octets.length; ) {
    const length = ((octets[at + 16] as number) << 8) | (octets[at + 17] as number);
    assert.ok(length >= headerOctets && at + length <= octets.length, "a message is cut short");
    yield octets.subarray(at, at + length);
    at += length;
  }
}

/** What a peer makes of the UPDATEs it is sent: its Adj-RIB-In, kept as simply as can be. */
export class PeerView {
  readonly context: CodecContext;
  /** By prefix, with ADD-PATH by `10.0.0.0/8#1`. */
  readonly routes = new Map<string, PathAttributes>();
  /** `familyKey` of each End-of-RIB, in order. */
  readonly endOfRibs: number[] = [];
  /** Prefixes not announced again since the last BoRR; `undefined` when there was none (RFC 7313). */
  stale: Set<string> | undefined;
  refreshes = 0;
  updates = 0;
  octets = 0;

  constructor(context: CodecContext) {
    this.context = context;
  }

  /** Takes UPDATE messages, each of which must be sound and within the session's limit. */
  take(octets: Uint8Array): void {
    for (const message of splitMessages(octets)) this.#takeMessage(message);
  }

  #takeMessage(message: Uint8Array): void {
    const { type } = decodeHeader(message, this.context.maximumMessageOctets);
    assert.equal(type, MessageType.update);
    this.updates++;
    this.octets += message.length;
    const update = decodeUpdate(message.subarray(headerOctets), this.context);
    assert.deepEqual(update.errors, []);
    const endOfRib = endOfRibOf(update, message.length);
    if (endOfRib !== undefined) this.endOfRibs.push(endOfRib);
    for (const nlri of update.withdrawn) this.routes.delete(keyOf(nlri));
    for (const key of keysOf(update.mpUnreach)) this.routes.delete(key);
    for (const key of [...update.announced.map(keyOf), ...keysOf(update.mpReach)]) {
      this.routes.set(key, update.attributes);
      this.stale?.delete(key);
    }
  }

  /** Takes BoRR or EoRR, which must not come before End-of-RIB (RFC 7313 §4). */
  demarcate(subtype: number): void {
    assert.ok(this.endOfRibs.length > 0, "a refresh before End-of-RIB");
    if (subtype === RefreshSubtype.begin) {
      this.stale = new Set(this.routes.keys());
      return;
    }
    assert.equal(subtype, RefreshSubtype.end);
    assert.ok(this.stale !== undefined, "an end of a refresh that never began");
    for (const prefix of this.stale) this.routes.delete(prefix);
    this.stale = undefined;
    this.refreshes++;
  }
}

function keyOf({ prefix, pathId }: Nlri): string {
  return pathId === undefined ? prefix : `${prefix}#${pathId}`;
}

function keysOf(nlri: UpdateMessage["mpReach"]): string[] {
  return nlri !== undefined && "nlri" in nlri ? nlri.nlri.map(keyOf) : [];
}

function endOfRibOf(update: UpdateMessage, length: number): number | undefined {
  const { mpUnreach } = update;
  if (length === headerOctets + 4) return familyKey(1, 1);
  if (mpUnreach === undefined || keysOf(mpUnreach).length > 0) return undefined;
  return familyKey(mpUnreach.afi, mpUnreach.safi);
}
