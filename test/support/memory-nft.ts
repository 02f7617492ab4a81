import { type Nft, NftError } from "../../src/felix/firewall/nft.ts";
import type { NftablesChange } from "../../src/netlink/nftables-event.ts";

const OURS = 100;

/** nftables in memory, as far as there is one table in it, written as a whole or by elements. */
export class MemoryNft implements Nft {
  /** Every script that was done. */
  readonly scripts: string[] = [];
  table: string | undefined;
  /** What the next calls fail with. */
  failure: NftError | undefined;
  /** Does something before a listing is made. */
  beforeListing: () => void = () => {};
  listings = 0;
  #listener: ((change: NftablesChange | "overflow") => void) | undefined;

  readonly watch = (listener: (change: NftablesChange | "overflow") => void): (() => void) => {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  };

  get isWatched(): boolean {
    return this.#listener !== undefined;
  }

  apply(script: string): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.scripts.push(script);
    if (script.startsWith("add table")) {
      this.table = script.split("\n").slice(2).join("\n") || undefined;
    } else if (this.table === undefined) {
      return Promise.reject(new NftError("nft(8) failed: No such file", undefined, true));
    } else this.table += script;
    this.#tell(OURS);
    return Promise.resolve();
  }

  list(): Promise<string> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.listings++;
    this.beforeListing();
    if (this.table !== undefined) return Promise.resolve(this.table);
    return Promise.reject(new NftError("nft(8) failed: No such file", undefined, true));
  }

  owns(portId: number): boolean {
    return portId === OURS;
  }

  /** Another hand's. */
  change(table: string | undefined): void {
    this.table = table;
    this.#tell(4711);
  }

  overflow(): void {
    this.#listener?.("overflow");
  }

  #tell(portId: number): void {
    this.#listener?.({ tables: new Set(["inet margay"]), portId, processName: "nft" });
  }
}
