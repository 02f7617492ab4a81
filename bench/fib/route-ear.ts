import koffi from "koffi";
import { MessageType, MulticastGroup } from "../../src/netlink/constants.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const MSG_DONTWAIT = 0x40;
/** In struct nlmsghdr, and behind it (16 octets) in struct rtmsg. */
const TYPE_OFFSET = 4;
const DESTINATION_LENGTH_OFFSET = 17;

const library = koffi.load(null);
const socket = library.func("int socket(int, int, int)");
const bind = library.func("int bind(int, const void *, unsigned int)");
const setsockopt = library.func("int setsockopt(int, int, int, const void *, unsigned int)");
const recv = library.func("int64_t recv(int, void *, size_t, int)");
const close = library.func("int close(int)");

/**
 * Hears of IPv4 routes by standing still in recv(2) until the kernel tells of one: no event loop, no decoding and no
 * garbage of this process lie between the kernel's word and the look at the clock.
 */
export class RouteEar {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(8192);

  constructor(patienceSeconds: number) {
    this.#fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE) as number;
    const name = new Uint8Array(12); // struct sockaddr_nl: family u16, padding u16, port id u32, groups u32
    const view = new DataView(name.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, MulticastGroup.ipv4Route, true);
    const patience = new Uint8Array(16); // struct timeval: seconds i64, microseconds i64
    new DataView(patience.buffer).setBigInt64(0, BigInt(patienceSeconds), true);
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, patience, patience.length);
    if (this.#fd < 0 || (bind(this.#fd, name, name.length) as number) < 0) {
      throw new Error("no netlink socket");
    }
  }

  /** Forgets what has been told so far. */
  forget(): void {
    while ((recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT) as number) !== -1);
  }

  /** Returns when the kernel has a new route with a destination of so many bits; false when none comes in time. */
  hears(bits: number): boolean {
    for (;;) {
      const length = recv(this.#fd, this.#buffer, this.#buffer.length, 0) as number;
      if (length < 0) return false;
      const isNew = this.#buffer[TYPE_OFFSET] === MessageType.newRoute;
      if (isNew && this.#buffer[DESTINATION_LENGTH_OFFSET] === bits) return true;
    }
  }

  close(): void {
    close(this.#fd);
  }
}
