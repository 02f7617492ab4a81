import { NetlinkError } from "../netlink/errno.ts";
import { EVERY_LINK, type Netlink, type NetlinkEvent } from "../netlink/netlink.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { FORWARDING_KEYS, type ForwardingStatus } from "./forwarding.ts";
import { ForwardingSwitch, type ForwardingSwitchParts } from "./forwarding-switch.ts";
import { keepAdvertisements } from "./ipv6-forwarding.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { NextHopGroup } from "./owner.ts";
import type { Sysctl } from "./sysctl.ts";

export interface ForwardingKeeperParts {
  readonly sysctl: Sysctl;
  readonly netlink: Pick<Netlink, "onEvent" | "dumpRoutes">;
  readonly picture: Pick<KernelPicture, "deviceName">;
  /** Those that routes lead through. */
  readonly groups: () => Iterable<NextHopGroup>;
  /** Links behind which this node's pods are. */
  readonly podInterfaces: () => Iterable<number>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** After a failure that left open whether it may be switched on. */
const RECOVERY_MS = 1_000;

/**
 * Keeps forwarding on against whoever switches it off. Packets of IPv6 are forwarded or not by one setting; those of IPv4 by
 * that of the link that they come in by, which the one of all sets for each, and anybody for one. Events only mark what is
 * to be looked at; one look at a time reads it, and writes where it is off.
 */
export class ForwardingKeeper {
  readonly #parts: ForwardingKeeperParts;
  readonly #switchParts: ForwardingSwitchParts;
  readonly #ipv4: ForwardingSwitch;
  /** `undefined` as long as there are no IPv6 pods. */
  #ipv6: ForwardingSwitch | undefined;
  /** Of IPv4, by the link's name. */
  readonly #links = new Map<string, ForwardingSwitch>();
  readonly #due = new Set<ForwardingSwitch>();
  readonly #ending: () => void;
  #isAboutToLook = false;
  #last: Promise<void> = Promise.resolve();
  #recovery: Timer | undefined;
  #isStopped = false;
  /** Those of links that packets come in by no more. */
  #formerRepairs = 0;

  constructor(parts: ForwardingKeeperParts) {
    this.#parts = parts;
    const { sysctl, clock, logger, netlink } = parts;
    this.#switchParts = { sysctl, clock, logger, onRested: () => void this.lookAtAll() };
    const setting = { key: FORWARDING_KEYS[4], what: "IPv4 forwarding" };
    this.#ipv4 = new ForwardingSwitch(setting, this.#switchParts);
    this.#ending = netlink.onEvent((event) => this.#onEvent(event));
  }

  /** There are IPv6 pods. Resolves when their packets are forwarded, or cannot be. */
  wantIpv6(): Promise<void> {
    if (this.#ipv6 === undefined) {
      const setting = {
        key: FORWARDING_KEYS[6],
        what: "IPv6 forwarding",
        prepare: () =>
          keepAdvertisements({
            ...this.#parts,
            deviceName: (ifindex) => this.#deviceName(ifindex),
          }),
      };
      this.#ipv6 = new ForwardingSwitch(setting, this.#switchParts);
      this.#due.add(this.#ipv6);
    }
    return this.#look();
  }

  /** Looks whether all is on, whatever events told. Resolves when it is, or cannot be. */
  lookAtAll(): Promise<void> {
    for (const one of this.#all()) this.#due.add(one);
    return this.#look();
  }

  /** Packets may come in by other links than before. */
  follow(): void {
    const names = new Set([...this.#ingress()].map((ifindex) => this.#deviceName(ifindex)));
    for (const [name, one] of this.#links) {
      if (names.has(name)) continue;
      one.stop();
      this.#formerRepairs += one.repairs;
      this.#links.delete(name);
      this.#due.delete(one);
    }
    for (const name of names) {
      if (this.#links.has(name)) continue;
      const setting = {
        key: `net/ipv4/conf/${name}/forwarding`,
        what: `IPv4 forwarding on ${name}`,
        mayBeGone: true,
      };
      const made = new ForwardingSwitch(setting, this.#switchParts);
      this.#links.set(name, made);
      this.#due.add(made);
    }
    if (this.#due.size > 0) void this.#look();
  }

  /** Of IPv4: of all links, and of each that packets of pods come in by. */
  get status(): ForwardingStatus {
    const { status } = this.#ipv4;
    const links = [...this.#links.values()].map((one) => one.status);
    const off = links.find(({ problem }) => problem !== undefined);
    return status.enabled && off !== undefined ? { ...status, ...off } : status;
  }

  /** `undefined` as long as there are no IPv6 pods. */
  get ipv6Status(): ForwardingStatus | undefined {
    return this.#ipv6?.status;
  }

  /** What others switched off, and that was switched on again. */
  get repairs(): number {
    return this.#all().reduce((sum, { repairs }) => sum + repairs, this.#formerRepairs);
  }

  /** Resolves when nothing is to be looked at. */
  async settled(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#last; ) {
      seen = this.#last;
      await seen;
    }
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#ending();
    this.#recovery?.cancel();
    for (const one of this.#all()) one.stop();
    return this.#last;
  }

  /** Links that packets of pods come in by: where a route leads, packets come from, too. */
  #ingress(): ReadonlySet<number> {
    const { groups, podInterfaces } = this.#parts;
    const links = new Set(podInterfaces());
    for (const { ways } of groups()) {
      for (const { hop } of ways) if (hop !== undefined) links.add(hop.ifindex);
    }
    return links;
  }

  #deviceName(ifindex: number): string {
    return this.#parts.picture.deviceName(ifindex);
  }

  #all(): ForwardingSwitch[] {
    const ipv6 = this.#ipv6 === undefined ? [] : [this.#ipv6];
    return [this.#ipv4, ...ipv6, ...this.#links.values()];
  }

  #onEvent(event: NetlinkEvent): void {
    if (event.kind !== "setting" || event.forwarding === undefined) return;
    const one = this.#switchOf(event.version, event.ifindex);
    if (one === undefined) return;
    this.#due.add(one);
    void this.#look();
  }

  #switchOf(version: 4 | 6, ifindex: number): ForwardingSwitch | undefined {
    if (version === 6) return this.#ipv6;
    if (ifindex === EVERY_LINK) return this.#ipv4;
    return this.#links.get(this.#deviceName(ifindex));
  }

  /** One look after the other; what becomes due until one begins is part of it. */
  #look(): Promise<void> {
    if (this.#isAboutToLook) return this.#last;
    this.#isAboutToLook = true;
    this.#last = this.#last.then(async () => {
      this.#isAboutToLook = false;
      await this.#lookAtDue();
    });
    return this.#last;
  }

  /** First at what is of all links, for switching that on switches on each of them. */
  async #lookAtDue(): Promise<void> {
    await this.#ensure(this.#ipv4);
    if (this.#ipv6 !== undefined) await this.#ensure(this.#ipv6);
    // While others have their way with all links, no single one is fought over.
    if (!this.#ipv4.status.enabled) return;
    for (const link of this.#links.values()) await this.#ensure(link);
  }

  async #ensure(one: ForwardingSwitch): Promise<void> {
    if (this.#isStopped || !this.#due.delete(one)) return;
    try {
      await one.ensure();
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#recover(error);
    }
  }

  /** It is not known what would be lost with it on: not now, then. */
  #recover(error: NetlinkError): void {
    const { clock, logger } = this.#parts;
    logger.error({ errno: error.errno }, `forwarding waits: ${error.message}`);
    this.#recovery ??= clock.after(RECOVERY_MS, () => {
      this.#recovery = undefined;
      void this.lookAtAll();
    });
  }
}
