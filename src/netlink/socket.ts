import koffi, { type node } from "koffi";
import { Errno, NetlinkError } from "./errno.ts";

/**
 * A netlink socket, and nothing of netlink's meaning. The one file that opens AF_NETLINK: Node has no such sockets, so
 * this calls libc by koffi. `koffi.node.poll` is undocumented; it stays behind this interface.
 */
export interface NetlinkSocket {
  /** The kernel's name for this socket (nlmsg_pid of what it causes). */
  readonly portId: number;
  /** Sends at once; the kernel has worked on it when this returns. Throws `NetlinkError`. */
  send(octets: Uint8Array): void;
  /**
   * The same of some datagrams in a thread, so that the event loop turns; leave them alone until it settles. Inside one the
   * kernel mostly gives the processor to nobody else, between two it does. Rejects with `NetlinkError`.
   */
  sendInThread(...datagrams: readonly Uint8Array[]): Promise<void>;
  /** Takes the next datagram: its length, 0 when there is none now, or the negative errno (-105 ENOBUFS: some were lost). */
  receive(into: Uint8Array): number;
  /**
   * Takes the next datagrams in a thread, each into a buffer of its own: their lengths, none where there are none now, or where
   * `receive` would say why. Leave the buffers alone until it settles.
   */
  receiveInThread(into: readonly Uint8Array[]): Promise<number[]>;
  /** Calls back whenever there is something to receive, until `close`. */
  onReadable(callback: () => void): void;
  /** Attaches a classic BPF program to what this socket receives. Throws `NetlinkError`. */
  attachFilter(program: Uint8Array): void;
  close(): void;
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const NETLINK_FAMILIES = { route: 0, netfilter: 12 } as const;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const SO_ATTACH_FILTER = 26;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const BUFFER_OCTETS = 8 * 1024 * 1024;
/** struct mmsghdr: address of the other end u64, its length u64, address of iovecs u64, their count u64, and more that is 0. */
const MMSGHDR_OCTETS = 64;
/** Where in it the length of what was received is, u32. */
const MSG_LEN_OFFSET = 56;
/** struct iovec: address u64, length u64. */
const IOVEC_OCTETS = 16;

type Call = (...values: unknown[]) => number;

interface InThread {
  readonly async: (...values: unknown[]) => void;
}

interface Libc {
  readonly socket: Call;
  readonly bind: Call;
  readonly setsockopt: Call;
  readonly getsockname: Call;
  readonly send: Call;
  readonly sendmmsg: InThread;
  readonly recv: Call;
  readonly recvmmsg: InThread;
  readonly close: Call;
}

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load(null);
    loaded = {
      socket: library.func("int socket(int, int, int)"),
      bind: library.func("int bind(int, const void *, unsigned int)"),
      setsockopt: library.func("int setsockopt(int, int, int, const void *, unsigned int)"),
      getsockname: library.func("int getsockname(int, void *, void *)"),
      send: library.func("int64_t send(int, const void *, size_t, int)"),
      sendmmsg: library.func("int sendmmsg(int, void *, unsigned int, int)"),
      recv: library.func("int64_t recv(int, void *, size_t, int)"),
      recvmmsg: library.func("int recvmmsg(int, void *, unsigned int, int, void *)"),
      close: library.func("int close(int)"),
    };
  }
  return loaded;
}

/** Opens a socket in this process's network namespace, subscribed to `groups` of one netlink family. Throws `NetlinkError`. */
export function openNetlinkSocket(
  groups: number,
  family: keyof typeof NETLINK_FAMILIES = "route",
): NetlinkSocket {
  const c = libc();
  const fd = c.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_FAMILIES[family]);
  if (fd < 0) throw new NetlinkError("open a netlink socket", koffi.errno());
  // The forced sizes need CAP_NET_ADMIN and the options a kernel of this decade; without them all still works, slower.
  setNumber(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_OCTETS);
  setNumber(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_OCTETS);
  setNumber(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  setNumber(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  setNumber(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  const name = new Uint8Array(12); // struct sockaddr_nl: family u16, padding u16, port id u32, groups u32
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  const length = Uint8Array.of(12, 0, 0, 0);
  if (c.bind(fd, name, name.length) < 0 || c.getsockname(fd, name, length) < 0) {
    const errno = koffi.errno();
    c.close(fd);
    throw new NetlinkError("bind a netlink socket", errno);
  }
  return new KoffiNetlinkSocket(fd, view.getUint32(4, true));
}

function setNumber(fd: number, level: number, option: number, value: number): void {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setInt32(0, value, true);
  libc().setsockopt(fd, level, option, octets, octets.length);
}

/** What sendmmsg(2) takes: a header for each datagram, and behind them all where each is. */
function messageHeaders(datagrams: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(datagrams.length * (MMSGHDR_OCTETS + IOVEC_OCTETS));
  const view = new DataView(octets.buffer);
  const vectors = datagrams.length * MMSGHDR_OCTETS;
  const base = koffi.address(octets);
  for (const [index, { buffer, byteOffset, length }] of datagrams.entries()) {
    const header = index * MMSGHDR_OCTETS;
    const vector = vectors + index * IOVEC_OCTETS;
    view.setBigUint64(header + 16, base + BigInt(vector), true);
    view.setBigUint64(header + 24, 1n, true);
    view.setBigUint64(vector, koffi.address(new Uint8Array(buffer)) + BigInt(byteOffset), true);
    view.setBigUint64(vector + 8, BigInt(length), true);
  }
  return octets;
}

class KoffiNetlinkSocket implements NetlinkSocket {
  readonly portId: number;
  readonly #fd: number;
  #poll: node.PollHandle | undefined;
  #closed = false;
  /** What threads are working with: nobody may collect it. */
  readonly #lent = new Set<Uint8Array>();

  constructor(fd: number, portId: number) {
    this.#fd = fd;
    this.portId = portId;
  }

  send(octets: Uint8Array): void {
    if (libc().send(this.#fd, octets, octets.length, 0) < 0) {
      throw new NetlinkError("send to the kernel", koffi.errno());
    }
  }

  async sendInThread(...datagrams: readonly Uint8Array[]): Promise<void> {
    let rest = datagrams;
    while (rest.length > 0) {
      const headers = messageHeaders(rest);
      const sent = Math.max(0, await this.#inThread(libc().sendmmsg, headers, rest.length, 0));
      if (this.#closed) throw new NetlinkError("send to the kernel", Errno.io, "socket closed");
      // What is wrong with the first that did not go is told only to who sends it alone.
      const refused = rest[sent];
      if (refused !== undefined) this.send(refused);
      rest = rest.slice(sent + 1);
    }
  }

  async receiveInThread(into: readonly Uint8Array[]): Promise<number[]> {
    const headers = messageHeaders(into);
    const count = await this.#inThread(libc().recvmmsg, headers, into.length, MSG_DONTWAIT, null);
    const view = new DataView(headers.buffer);
    const lengthOf = (index: number): number =>
      view.getUint32(index * MMSGHDR_OCTETS + MSG_LEN_OFFSET, true);
    return Array.from({ length: Math.max(0, count) }, (_, index) => lengthOf(index));
  }

  /** What the call returns, or -1: errno of another thread is not ours to read. */
  #inThread(call: InThread, headers: Uint8Array, ...values: unknown[]): Promise<number> {
    this.#lent.add(headers);
    return new Promise((resolve) => {
      const done = (error: unknown, result: unknown): void => {
        this.#lent.delete(headers);
        if (this.#closed && this.#lent.size === 0) libc().close(this.#fd);
        resolve(error === null ? Number(result) : -1);
      };
      call.async(this.#fd, headers, ...values, done);
    });
  }

  receive(into: Uint8Array): number {
    for (;;) {
      const length = libc().recv(this.#fd, into, into.length, MSG_DONTWAIT);
      if (length >= 0) return length;
      const errno = koffi.errno();
      if (errno === Errno.again) return 0;
      if (errno !== Errno.interrupted) return -errno;
    }
  }

  onReadable(callback: () => void): void {
    const onPoll = (status: number): void => {
      try {
        callback();
      } finally {
        // ENOBUFS raises EPOLLERR, on which libuv stops watching: without this the socket is deaf from then on.
        if (status < 0 && !this.#closed) this.#poll?.start({ readable: true }, asDeclared);
      }
    };
    // koffi calls back with (status, events); its type declaration leaves the status out.
    const asDeclared = onPoll as unknown as (events: node.PollEvents) => void;
    this.#poll = koffi.node.poll(this.#fd, { readable: true }, asDeclared);
  }

  attachFilter(program: Uint8Array): void {
    const descriptor = new Uint8Array(16); // struct sock_fprog: count u16, padding, pointer
    const view = new DataView(descriptor.buffer);
    view.setUint16(0, program.length / 8, true);
    view.setBigUint64(8, koffi.address(program), true);
    const result = libc().setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, descriptor, 16);
    if (result < 0) throw new NetlinkError("filter a netlink socket", koffi.errno());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll?.close();
    // A thread may still be at work: closing under it could hand its number to another file.
    if (this.#lent.size === 0) libc().close(this.#fd);
  }
}
