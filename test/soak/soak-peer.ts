import assert from "node:assert/strict";
import { Socket } from "node:net";
import { ipv4Unicast } from "../../src/bgp/family/index.ts";
import { headerOctets, MessageType, RefreshSubtype } from "../../src/bgp/iana.ts";
import { Framer } from "../../src/bgp/message/framer.ts";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import { decodeNotification } from "../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { decodeRouteRefresh, encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/message/update.ts";
import { parseIpv4 } from "../../src/net/ip-address.ts";
import { codec } from "../support/peer-view.ts";
import { pathText, type SoakClient, type SoakPath } from "./selection.ts";

export const ASN = 64_512;
const holdTimeSeconds = 60;
const keepaliveMs = 10_000;
const context = codec();
const { afi, safi } = ipv4Unicast;

/** One client of the reflector under test, on a real socket, which knows what it has told and what it was told. */
export class SoakPeer implements SoakClient {
  readonly address: string;
  readonly identifier: number;
  readonly nextHop: string;
  readonly announced = new Map<string, SoakPath>();
  /** What the reflector has told. */
  readonly told = new Map<string, string>();
  /** What went wrong that nobody had brought about. */
  readonly complaints: string[] = [];
  isEstablished = false;
  sessions = 0;
  refreshes = 0;
  readonly #port: number;
  #socket: Socket | undefined;
  #framer = new Framer();
  #keepalives: NodeJS.Timeout | undefined;
  #redial: NodeJS.Timeout | undefined;
  /** Prefixes that the answer to a refresh has not named yet. */
  #stale: Set<string> | undefined;
  /** The present session is to end, or may: we have seen to that. */
  #isProvoked = false;
  #isWanted = false;

  constructor(index: number, port: number) {
    this.address = `127.20.${index >> 8}.${(index & 0xff) + 1}`;
    this.nextHop = `10.20.${index >> 8}.${(index & 0xff) + 1}`;
    this.identifier = parseIpv4(this.nextHop) ?? 0;
    this.#port = port;
  }

  /** Keeps a session up from now on. */
  start(): void {
    this.#isWanted = true;
    this.#dial();
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#redial);
    this.#isProvoked = true;
    this.#socket?.destroy();
  }

  #dial(): void {
    const socket = new Socket().setNoDelay(true);
    this.#socket = socket;
    this.#framer = new Framer();
    this.#isProvoked = false;
    socket.on("error", () => {}).on("close", () => this.#closed());
    socket.on("data", (octets) => this.#received(Uint8Array.from(octets)));
    socket.connect({ host: "127.0.0.1", port: this.#port, localAddress: this.address }, () => {
      const capabilities = [
        { name: "multiprotocol", afi, safi },
        { name: "fourOctetAs", asn: ASN },
        { name: "routeRefresh" },
        { name: "enhancedRouteRefresh" },
      ] as const;
      socket.write(
        encodeOpen({ asn: ASN, holdTimeSeconds, bgpIdentifier: this.identifier, capabilities }),
      );
    });
  }

  #closed(): void {
    if (this.isEstablished && !this.#isProvoked) this.complaints.push("the session ended unasked");
    this.isEstablished = false;
    clearInterval(this.#keepalives);
    this.announced.clear();
    this.told.clear();
    this.#stale = undefined;
    this.#socket = undefined;
    if (this.#isWanted) this.#redial = setTimeout(() => this.#dial(), 20);
  }

  #received(octets: Uint8Array): void {
    this.#framer.push(octets);
    for (let next = this.#framer.next(); next !== undefined; next = this.#framer.next()) {
      this.#message(next.type, next.octets.subarray(next.start, next.end));
    }
  }

  #message(type: number, body: Uint8Array): void {
    switch (type) {
      case MessageType.open:
        this.#socket?.write(encodeKeepalive());
        return;
      case MessageType.keepalive:
        // One that was on its way when the session was given up does not make it another one.
        return this.isEstablished || this.#isProvoked ? undefined : this.#established();
      case MessageType.update:
        return this.#update(body);
      case MessageType.routeRefresh:
        return this.#refreshed(decodeRouteRefresh(body).subtype);
      case MessageType.notification: {
        const { code, subcode } = decodeNotification(body);
        if (!this.#isProvoked) this.complaints.push(`NOTIFICATION ${code}/${subcode} unasked`);
        this.#isProvoked = true;
      }
    }
  }

  #established(): void {
    this.isEstablished = true;
    this.sessions++;
    this.#keepalives = setInterval(() => this.#socket?.write(encodeKeepalive()), keepaliveMs);
  }

  #update(body: Uint8Array): void {
    const { withdrawn, announced, attributes, errors } = decodeUpdate(body, context);
    for (const { message } of errors)
      this.complaints.push(`was sent a malformed UPDATE: ${message}`);
    for (const { prefix } of withdrawn) {
      this.told.delete(prefix);
      this.#stale?.delete(prefix);
    }
    const { nextHop = "", localPref = Number.NaN, communities = [] } = attributes;
    for (const { prefix } of announced) {
      this.told.set(prefix, pathText(nextHop, localPref, communities));
      this.#stale?.delete(prefix);
    }
  }

  #refreshed(subtype: number): void {
    if (subtype === RefreshSubtype.begin) this.#stale = new Set(this.told.keys());
    if (subtype !== RefreshSubtype.end) return;
    this.refreshes++;
    // RFC 7313 §4: what the answer did not name is gone.
    for (const prefix of this.#stale ?? []) this.told.delete(prefix);
    this.#stale = undefined;
  }

  announce(prefixes: readonly string[], path: SoakPath): void {
    for (const prefix of prefixes) this.announced.set(prefix, path);
    this.send(this.updateOf(prefixes, path));
  }

  /** The message that `announce` sends. */
  updateOf(prefixes: readonly string[], { localPref, communities }: SoakPath): Uint8Array {
    const { nextHop } = this;
    const attributes = { origin: 0, asPath: [], nextHop, localPref, communities } as const;
    const announced = prefixes.map((prefix) => ({ prefix }));
    const [octets] = encodeUpdate({ withdrawn: [], announced, attributes, errors: [] }, context);
    assert.ok(octets !== undefined);
    return octets;
  }

  withdraw(prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.announced.delete(prefix);
    const withdrawn = prefixes.map((prefix) => ({ prefix }));
    for (const octets of encodeUpdate(
      { withdrawn, announced: [], attributes: {}, errors: [] },
      context,
    )) {
      this.send(octets);
    }
  }

  /** Announces with an ORIGIN that does not exist: RFC 7606 makes that a withdrawal. */
  announceBroken(prefixes: readonly string[], path: SoakPath): void {
    for (const prefix of prefixes) this.announced.delete(prefix);
    const octets = this.updateOf(prefixes, path);
    // ORIGIN is the first attribute, behind the lengths of withdrawn routes and of attributes.
    octets[headerOctets + 4 + 3] = 9;
    this.send(octets);
  }

  refresh(): void {
    this.send(encodeRouteRefresh({ afi, safi, subtype: RefreshSubtype.request }));
  }

  setReading(reading: boolean): void {
    if (reading) this.#socket?.resume();
    else this.#socket?.pause();
  }

  send(octets: Uint8Array): void {
    if (this.isEstablished) this.#socket?.write(octets);
  }

  /** Sends what may end the session, then ends it: what it did to routes meanwhile nobody can know. */
  offend(octets: Uint8Array): void {
    this.send(octets);
    this.#isProvoked = true;
    this.isEstablished = false;
    this.#socket?.end();
  }

  /** Gone without a word, as if the machine had been switched off. */
  flap(): void {
    this.#isProvoked = true;
    this.isEstablished = false;
    this.#socket?.destroy();
  }
}
