import { NetlinkError } from "../netlink/errno.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

export interface AddressWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Addresses of this machine have changed, and for a moment no more of them have. */
  readonly onChange: () => void;
}

/** Who changes a mask takes the address away first. */
const SETTLED_MS = 200;

/** Hears from the kernel of addresses that come and go. */
export class AddressWatch {
  readonly #options: AddressWatchOptions;
  readonly #netlink: Netlink | undefined;
  #timer: Timer | undefined;

  constructor(options: AddressWatchOptions) {
    this.#options = options;
    this.#netlink = this.#open();
    this.#netlink?.onEvent(({ kind }) => {
      if (kind === "address" || kind === "overflow") this.#changed();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#netlink?.close();
  }

  #open(): Netlink | undefined {
    try {
      return openKernelNetlink();
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#options.logger.warn({ error: error.message }, "changes of addresses are not heard of");
      return undefined;
    }
  }

  #changed(): void {
    const { clock, onChange } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(SETTLED_MS, onChange);
  }
}
