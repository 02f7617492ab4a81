import { setTimeout as delay } from "node:timers/promises";
import { PeerAction } from "../../src/gen/margay/v1/management_pb.ts";
import { parseCommunity } from "../../src/net/community.ts";
import { parseIpv4 } from "../../src/net/ip-address.ts";
import { PseudoRandom } from "../fuzz/pseudo-random.ts";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignSpeaker,
} from "../support/foreign/index.ts";
import type { Namespace } from "../support/netns.ts";
import type { Deeds } from "./deeds.ts";
import type { MargayUnderTest } from "./margay-under-test.ts";
import { pathText, type SoakClient, type SoakPath, type Table } from "./selection.ts";
import { ASN } from "./soak-peer.ts";

/** So that a daemon that is frozen for a while, on a busy machine, is not given up. */
const holdTimeSeconds = 30;
/** Between what is done to one. */
const pauseMs = 100;
/** What such a daemon announces, unless told: LOCAL_PREF 100, and nothing else. */
const path: SoakPath = { localPref: 100, communities: [] };

export interface SoakDaemonOptions {
  readonly kind: DaemonKind;
  readonly namespace: Namespace;
  readonly directory: string;
  readonly address: string;
  /** Where margay is for it. */
  readonly reflector: string;
  /** What it may announce. */
  readonly prefixes: readonly string[];
  readonly seed: number;
  readonly margay: MargayUnderTest;
  readonly deeds: Deeds;
}

/** A daemon of somebody else as a client of the reflector under test, to which its operators do all that operators do. */
export class SoakDaemon implements SoakClient {
  readonly kind: DaemonKind;
  readonly address: string;
  readonly identifier: number;
  readonly nextHop: string;
  readonly announced = new Map<string, SoakPath>();
  readonly #options: SoakDaemonOptions;
  readonly #random: PseudoRandom;
  readonly #speaker: ForeignSpeaker;

  constructor(options: SoakDaemonOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.address = options.address;
    this.nextHop = options.address;
    this.identifier = parseIpv4(options.address) ?? 0;
    this.#random = new PseudoRandom(options.seed);
    this.#speaker = FOREIGN_SPEAKERS[options.kind](options.namespace, options.directory);
  }

  start(): Promise<void> {
    return this.#speaker.start({
      address: this.address,
      asn: ASN,
      routerId: this.address,
      holdTimeSeconds,
      peers: [{ address: this.#options.reflector, asn: ASN }],
      originate: [...this.announced.keys()],
    });
  }

  stop(): Promise<void> {
    return this.#speaker.stop();
  }

  log(): string {
    return this.#speaker.log();
  }

  /** Does at random what operators do, until then; afterwards it runs, and may have a session. */
  async unrest(endMs: number): Promise<void> {
    while (performance.now() < endMs) {
      await this.#act();
      await delay(pauseMs);
    }
  }

  async #act(): Promise<void> {
    const { margay, reflector } = this.#options;
    const dice = this.#random.integer(100);
    const text = `soak ${this.#random.integer(1000)}`;
    if (dice < 60) {
      await this.#churn();
    } else if (dice < 72) {
      this.#did("asks for a refresh");
      await this.#speaker.refresh(reflector);
    } else if (dice < 78) {
      this.#did("is asked for a refresh");
      await margay.control(this.address, PeerAction.SOFT_IN);
    } else if (dice < 83) {
      this.#did("is sent all again");
      await margay.control(this.address, PeerAction.SOFT_OUT);
    } else if (dice < 88) {
      this.#did("is reset by margay");
      await margay.control(this.address, PeerAction.RESET, text);
    } else if (dice < 93) {
      this.#did("shuts the session down, and lets it come up again");
      await this.#speaker.disable(reflector, text);
      await this.#wait();
      await this.#speaker.enable(reflector);
    } else if (dice < 98) {
      this.#did("freezes for a while");
      this.#speaker.freeze(true);
      await this.#wait();
      this.#speaker.freeze(false);
    } else {
      this.#did("is killed, and started again");
      await this.#speaker.kill();
      await this.#wait();
      await this.start();
    }
  }

  #did(deed: string): void {
    this.#options.deeds.did(`${this.kind} ${deed}`);
  }

  #wait(): Promise<void> {
    return delay(this.#random.integer(1500));
  }

  async #churn(): Promise<void> {
    const prefix = this.#random.pick(this.#options.prefixes);
    if (this.announced.has(prefix)) {
      this.#did("withdraws");
      this.announced.delete(prefix);
      await this.#speaker.withdraw(prefix);
    } else {
      this.#did("announces");
      this.announced.set(prefix, path);
      await this.#speaker.announce(prefix);
    }
  }

  async isEstablished(): Promise<boolean> {
    return (await this.#speaker.peerState(this.#options.reflector)) === "Established";
  }

  /** What its RIB has of what the reflector told. */
  async told(): Promise<Table> {
    const routes = await this.#speaker.routes();
    return new Map(
      routes.map(({ prefix, nextHop, localPreference = Number.NaN, communities = [] }) => [
        prefix,
        pathText(
          nextHop,
          localPreference,
          communities.map((community) => parseCommunity(community) ?? Number.NaN),
        ),
      ]),
    );
  }
}
