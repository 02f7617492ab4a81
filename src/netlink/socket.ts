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
  /** The same in a thread, so that the event loop turns; leave `octets` alone until it settles. Rejects with `NetlinkError`. */
  sendInThread(octets: Uint8Array): Promise<void>;
  /** Takes the next datagram: its length, 0 when there is none now, or the negative errno (-105 ENOBUFS: some were lost). */
  receive(into: Uint8Array): number;
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

type Call = (...values: unknown[]) => number;

interface Libc {
  readonly socket: Call;
  readonly bind: Call;
  readonly setsockopt: Call;
  readonly getsockname: Call;
  readonly send: Call & {
    readonly async: (...values: unknown[]) => void;
  };
  readonly recv: Call;
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
      recv: library.func("int64_t recv(int, void *, size_t, int)"),
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

class KoffiNetlinkSocket implements NetlinkSocket {
  readonly portId: number;
  readonly #fd: number;
  #poll: node.PollHandle | undefined;
  #closed = false;
  #sending = 0;

  constructor(fd: number, portId: number) {
    this.#fd = fd;
    this.portId = portId;
  }

  send(octets: Uint8Array): void {
    if (libc().send(this.#fd, octets, octets.length, 0) < 0) {
      throw new NetlinkError("send to the kernel", koffi.errno());
    }
  }

  sendInThread(octets: Uint8Array): Promise<void> {
    this.#sending++;
    return new Promise((resolve, reject) => {
      const done = (error: unknown, result: unknown): void => {
        this.#sending--;
        if (this.#closed && this.#sending === 0) libc().close(this.#fd);
        // errno of another thread is not ours to read.
        if (error !== null || Number(result) < 0) {
          reject(new NetlinkError("send to the kernel", Errno.io));
        } else resolve();
      };
      libc().send.async(this.#fd, octets, octets.length, 0, done);
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
    // A thread may still be sending: closing under it could hand its number to another file.
    if (this.#sending === 0) libc().close(this.#fd);
  }
}
