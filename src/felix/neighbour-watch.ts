import { ipVersionOf } from "../net/ip-address.ts";
import { NetlinkError } from "../netlink/errno.ts";
import type { Neighbour, NeighbourTable } from "../netlink/neighbour.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

export interface NeighbourWatchOptions {
  readonly netlink: Pick<Netlink, "dumpNeighbours" | "probeNeighbour">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deviceName: (ifindex: number) => string;
  /** Some neighbour is silent now, or is so no more. */
  readonly onChange: () => void;
  /** So `silent` says something else; also when a silent one is watched no more. */
  readonly onSilence?: (silent: readonly string[]) => void;
}

/** A next hop that routes lead straight to, or would if it answered. */
export interface StraightNextHop {
  readonly address: string;
  readonly ifindex: number;
}

interface Watched extends StraightNextHop {
  /** Times in a row that the kernel asked for it in vain. */
  failures: number;
  silent: boolean;
  /** When it last became silent, and how often it has of late. */
  silentSinceMs: number;
  lapses: number;
  /** It has answered while silent, and is asked once more before it counts. */
  confirming: boolean;
  timer: Timer | undefined;
}

/** The kernel asks three times, a second apart, before it gives up. So many such rounds make a neighbour silent. */
const FAILURES_UNTIL_SILENT = 2;
const ASK_AGAIN_MS = 1_000;
/** While silent it is asked every so often, less and less. */
const SILENT_ASK_MS = 5_000;
const SILENT_ASK_MAXIMUM_MS = 30_000;
/** It has to be back for so long before routes lead straight to it again; doubles with each lapse of late. */
const RETURN_MS = 10_000;
const RETURN_MAXIMUM_MS = 300_000;
const LAPSES_FORGOTTEN_MS = 600_000;
/** Neighbours that nobody knows are asked for in slices, lest all of a large segment answer at once. */
const PROBES_PER_SLICE = 16;
const SLICE_MS = 100;

/**
 * Watches by the kernel's neighbour tables (ARP, Neighbor Discovery) whether next hops that seem to be on a segment of ours
 * answer there. One that the kernel keeps failing to find is silent until it has answered for a while. Whoever the kernel
 * knows nothing of is asked for, by the kernel.
 */
export class NeighbourWatch {
  readonly #options: NeighbourWatchOptions;
  readonly #watched = new Map<string, Watched>();
  /** Links with tables to be read. */
  readonly #unread = new Set<number>();
  #unasked: Watched[] = [];
  #asking: Timer | undefined;

  constructor(options: NeighbourWatchOptions) {
    this.#options = options;
  }

  /** Does the kernel ask for it in vain? */
  isSilent(address: string, ifindex: number): boolean {
    return this.#watched.get(keyOf(ifindex, address))?.silent ?? false;
  }

  /** Addresses of those whom the kernel asks for in vain, in order. */
  get silent(): string[] {
    const silent = [...this.#watched.values()].filter((one) => one.silent);
    return [...new Set(silent.map(({ address }) => address))].sort();
  }

  /** These are to be watched, and no others. Rejects with `NetlinkError`. */
  async watch(nextHops: readonly StraightNextHop[]): Promise<void> {
    const keys = new Set<string>();
    for (const { address, ifindex } of nextHops) {
      const key = keyOf(ifindex, address);
      keys.add(key);
      if (this.#watched.has(key)) continue;
      this.#unread.add(ifindex);
      this.#watched.set(key, { address, ifindex, ...unknown });
    }
    let isNews = false;
    for (const [key, one] of this.#watched) {
      if (keys.has(key)) continue;
      one.timer?.cancel();
      this.#watched.delete(key);
      isNews ||= one.silent;
    }
    if (isNews) this.#tellSilence();
    await this.#read();
  }

  /** Events were lost: reads the tables again. Rejects with `NetlinkError`. */
  refresh(): Promise<void> {
    for (const { ifindex } of this.#watched.values()) this.#unread.add(ifindex);
    return this.#read();
  }

  /** What the kernel says of a neighbour now. */
  heard({ ifindex, address, failed, mac, reachable }: Neighbour): void {
    const one = this.#watched.get(keyOf(ifindex, address));
    if (one === undefined) return;
    if (failed) this.#failed(one);
    else if (reachable === true) this.#answered(one);
    else if (mac !== undefined && !one.silent) one.failures = 0;
  }

  close(): void {
    this.#asking?.cancel();
    for (const { timer } of this.#watched.values()) timer?.cancel();
  }

  /** A link whose tables cannot be read is left for the next time. */
  async #read(): Promise<void> {
    for (const ifindex of this.#unread) {
      const known = new Set<string>();
      for (const table of ["ipv4", "ipv6"] as const) {
        for (const entry of await this.#options.netlink.dumpNeighbours(table, ifindex)) {
          if (entry.mac !== undefined || entry.failed) known.add(entry.address);
          this.heard(entry);
        }
      }
      for (const one of this.#watched.values()) {
        if (one.ifindex === ifindex && !known.has(one.address)) this.#unasked.push(one);
      }
      this.#unread.delete(ifindex);
    }
    this.#askSlice();
  }

  #askSlice(): void {
    if (this.#asking !== undefined) return;
    for (const one of this.#unasked.splice(0, PROBES_PER_SLICE)) this.#ask(one);
    if (this.#unasked.length === 0) return;
    this.#asking = this.#options.clock.after(SLICE_MS, () => {
      this.#asking = undefined;
      this.#askSlice();
    });
  }

  #tellSilence(): void {
    this.#options.onSilence?.(this.silent);
  }

  #ask({ ifindex, address }: Watched): void {
    const { netlink, logger } = this.#options;
    try {
      netlink.probeNeighbour(tableOf(address), ifindex, address);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      logger.debug({ address }, error.message);
    }
  }

  #failed(one: Watched): void {
    const { clock } = this.#options;
    one.failures++;
    one.confirming = false;
    one.timer?.cancel();
    if (!one.silent && one.failures >= FAILURES_UNTIL_SILENT) return this.#lapse(one);
    const rounds = one.failures - FAILURES_UNTIL_SILENT;
    const delayMs = one.silent
      ? Math.min(SILENT_ASK_MS * 2 ** Math.min(rounds, 10), SILENT_ASK_MAXIMUM_MS)
      : ASK_AGAIN_MS;
    one.timer = clock.after(delayMs, () => this.#ask(one));
  }

  #lapse(one: Watched): void {
    const { clock, logger, deviceName, onChange } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - one.silentSinceMs > LAPSES_FORGOTTEN_MS) one.lapses = 0;
    one.silent = true;
    one.silentSinceMs = nowMs;
    one.lapses++;
    one.timer = clock.after(SILENT_ASK_MS, () => this.#ask(one));
    const device = deviceName(one.ifindex);
    logger.warn({ nextHop: one.address, device }, "a next hop does not answer on its segment");
    onChange();
    this.#tellSilence();
  }

  #answered(one: Watched): void {
    one.failures = 0;
    if (!one.silent) {
      one.timer?.cancel();
      one.timer = undefined;
      return;
    }
    if (one.confirming) return this.#returned(one);
    const { clock } = this.#options;
    const delayMs = Math.min(RETURN_MS * 2 ** Math.min(one.lapses - 1, 10), RETURN_MAXIMUM_MS);
    one.timer?.cancel();
    one.timer = clock.after(delayMs, () => {
      one.confirming = true;
      this.#ask(one);
    });
  }

  #returned(one: Watched): void {
    const { logger, deviceName, onChange } = this.#options;
    one.silent = false;
    one.confirming = false;
    one.timer?.cancel();
    one.timer = undefined;
    const device = deviceName(one.ifindex);
    logger.info({ nextHop: one.address, device }, "a next hop answers on its segment again");
    onChange();
    this.#tellSilence();
  }
}

const unknown = {
  ...{ failures: 0, silent: false, silentSinceMs: Number.NEGATIVE_INFINITY, lapses: 0 },
  ...{ confirming: false, timer: undefined },
};

function keyOf(ifindex: number, address: string): string {
  return `${ifindex} ${address}`;
}

function tableOf(address: string): NeighbourTable {
  return ipVersionOf(address) === 6 ? "ipv6" : "ipv4";
}
