import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContains, prefixFromOctets } from "../net/prefix.ts";
import { NetlinkError } from "../netlink/errno.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Logger } from "../platform/logger.ts";

export interface PodInterfaceOptions {
  /** `cni0`; it may come and go. */
  readonly name: string;
  readonly logger: Logger;
  /** The prefixes are others now. */
  readonly onChange: () => void;
}

/** An interface whose addresses say what this node's pods have: a bridge that a CNI plugin makes. */
export class PodInterface {
  readonly name: string;
  readonly #options: PodInterfaceOptions;
  readonly #netlink: Netlink;
  #prefixes: readonly Prefix[] = [];
  #reading: Promise<void> | undefined;
  #isStale = false;

  /** Throws `NetlinkError`. */
  constructor(options: PodInterfaceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#netlink = openKernelNetlink();
    this.#netlink.onEvent(({ kind }) => {
      if (kind === "address" || kind === "link" || kind === "overflow") void this.read();
    });
  }

  /** The subnets of its addresses inside these pools. */
  prefixes(pools: readonly Prefix[]): readonly Prefix[] {
    return this.#prefixes.filter((prefix) => pools.some((pool) => prefixContains(pool, prefix)));
  }

  /** Looks again. Never rejects: what cannot be read stays as it was. */
  read(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readUntilFresh().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  close(): void {
    this.#netlink.close();
  }

  async #readUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        this.#take(await this.#subnets());
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        const fields = { interface: this.name };
        this.#options.logger.error(fields, `cannot read the pods' interface: ${error.message}`);
      }
    }
  }

  #take(prefixes: readonly Prefix[]): void {
    const words = (all: readonly Prefix[]): string => all.map(({ text }) => text).join(" ");
    if (words(prefixes) === words(this.#prefixes)) return;
    this.#prefixes = prefixes;
    const fields = { interface: this.name, podCidrs: words(prefixes) };
    this.#options.logger.info(fields, "the pods' interface has other subnets");
    this.#options.onChange();
  }

  async #subnets(): Promise<Prefix[]> {
    const link = (await this.#netlink.dumpLinks()).find(({ name }) => name === this.name);
    const addresses = await this.#netlink.dumpAddresses();
    const subnets = new Map<string, Prefix>();
    for (const { ifindex, subnetAddress, prefixLength } of addresses) {
      const octets = parseIpAddress(subnetAddress);
      if (ifindex !== link?.ifindex || octets === undefined) continue;
      const prefix = prefixFromOctets(octets, prefixLength);
      subnets.set(prefix.text, prefix);
    }
    return [...subnets.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
  }
}
