import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { type IpVersion, parseIpAddress, withoutZone } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import { TcpOptionError, type TcpOptions } from "./tcp.ts";

/**
 * TCP sockets of Linux before `node:net` has them, by libc: Node sets none of these options, and opens its own sockets
 * too late for what must be in place before the first SYN. Other kinds of sockets have the calls from here, too.
 */

const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const SOL_TCP = 6;
const TCP_MD5SIG = 14;
const TCP_USER_TIMEOUT = 18;
const TCP_SAVE_SYN = 27;
const TCP_SAVED_SYN = 28;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** A full socket is told of at once, so that no send is ever under way. */
export const sendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
const IPV6_V6ONLY = 26;

/** Where the two IP versions differ: `sockaddr` family, level of `setsockopt`, and options there. */
export const ip = {
  4: { family: 2, level: 0, trafficClass: 1, ttl: 2, minimumTtl: 21, ttlOffset: 8 },
  6: { family: 10, level: 41, trafficClass: 67, ttl: 16, minimumTtl: 73, ttlOffset: 7 },
} as const;

/** Octets of an IPv6 header; those of an IPv4 header with options are more, and saved whole. */
const savedSynOctets = 40;

type Call = (...values: unknown[]) => number;

interface Libc {
  readonly socket: Call;
  readonly bind: Call;
  readonly connect: Call;
  readonly send: Call;
  readonly recv: Call;
  readonly setsockopt: Call;
  readonly getsockopt: Call;
  readonly ifNameToIndex: Call;
  readonly close: Call;
  readonly errno: () => number;
  readonly addressOf: (octets: Uint8Array) => bigint;
}

let loaded: Libc | Error | undefined;

function load(): Libc | Error {
  if (process.platform !== "linux")
    return new Error(`they need Linux, this is ${process.platform}`);
  try {
    // Only where it is needed: without its binary koffi throws already when it is imported.
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const library = koffi.load(null);
    return {
      socket: library.func("int socket(int, int, int)"),
      bind: library.func("int bind(int, const void *, unsigned int)"),
      connect: library.func("int connect(int, const void *, unsigned int)"),
      send: library.func("int64_t send(int, const void *, size_t, int)"),
      recv: library.func("int64_t recv(int, void *, size_t, int)"),
      setsockopt: library.func("int setsockopt(int, int, int, const void *, unsigned int)"),
      getsockopt: library.func("int getsockopt(int, int, int, void *, void *)"),
      ifNameToIndex: library.func("unsigned int if_nametoindex(const char *)"),
      close: library.func("int close(int)"),
      errno: () => koffi.errno(),
      addressOf: (octets) => koffi.address(octets),
    };
  } catch (error) {
    return new Error("they need the package koffi, which cannot be loaded", { cause: error });
  }
}

/** Why there are no such sockets here; `undefined` where there are. */
export function whyUnsupported(): string | undefined {
  loaded ??= load();
  return loaded instanceof Error ? loaded.message : undefined;
}

/** The calls. @throws Error where there are none */
export function libc(): Libc {
  loaded ??= load();
  if (loaded instanceof Error) throw loaded;
  return loaded;
}

/** Sends what fits into the socket's buffer. @returns how many octets, or a negative errno, which the kernel tells but once */
export function sendNow(fd: number, octets: Uint8Array): number {
  const sent = libc().send(fd, octets, octets.length, sendFlags);
  return sent < 0 ? -libc().errno() : sent;
}

/** A failed call, with `code` as Node has it. */
export function systemError(what: string, errno = libc().errno()): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${what}: ${code}`), { code, errno: -errno });
}

/** A TCP socket: its file descriptor, to be closed by whoever it is given to. @throws NodeJS.ErrnoException */
export function openSocket(version: IpVersion): number {
  const fd = libc().socket(ip[version].family, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
  if (fd < 0) throw systemError("cannot open a socket");
  return fd;
}

export function closeSocket(fd: number): void {
  libc().close(fd);
}

/** Readies a socket for `listen`. @throws NodeJS.ErrnoException */
export function bindListener(fd: number, address: string, port: number): void {
  setNumber(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.includes(":")) setNumber(fd, ip[6].level, IPV6_V6ONLY, 1);
  setNumber(fd, SOL_TCP, TCP_SAVE_SYN, 1);
  const name = socketAddress(address, port);
  if (libc().bind(fd, name, name.length) < 0) throw systemError("cannot bind");
}

/** struct sockaddr_in (16 octets) or sockaddr_in6 (28). @param text an address, a link-local one with its zone */
export function socketAddress(text: string, port: number): Uint8Array {
  const address = withoutZone(text);
  const octets = parseIpAddress(address);
  if (octets === undefined) throw new TypeError(`${address} is not an IP address`);
  const version = octets.length === 4 ? 4 : 6;
  const name = new Uint8Array(version === 4 ? 16 : 28);
  const view = new DataView(name.buffer);
  view.setUint16(0, ip[version].family, true);
  view.setUint16(2, port);
  name.set(octets, version === 4 ? 4 : 8);
  const zone = text.slice(address.length + 1);
  if (zone !== "") view.setUint32(24, libc().ifNameToIndex(zone), true);
  return name;
}

/** Sets an option of four octets; whether the kernel took it. */
export function setNumber(fd: number, level: number, option: number, value: number): boolean {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setInt32(0, value, true);
  return libc().setsockopt(fd, level, option, octets, octets.length) === 0;
}

/** Sets all but the password, for which see `setKey`. @throws TcpOptionError */
export function setSocketOptions(fd: number, version: IpVersion, options: TcpOptions): void {
  const { level, trafficClass, ttl, minimumTtl } = ip[version];
  const set = (what: string, at: readonly [number, number], value: number | undefined): void => {
    if (value === undefined || setNumber(fd, ...at, value)) return;
    throw new TcpOptionError(`cannot set ${what} ${value}: ${systemError("the kernel").message}`);
  };
  set("TTL", [level, ttl], options.ttl);
  set("least TTL", [level, minimumTtl], options.minimumTtl);
  set(
    "traffic class",
    [level, trafficClass],
    options.dscp === undefined ? undefined : options.dscp * 4,
  );
  set("user timeout", [SOL_TCP, TCP_USER_TIMEOUT], options.userTimeoutMs);
  if (options.device !== undefined) bindToDevice(fd, options.device);
}

function bindToDevice(fd: number, device: string): void {
  const name = new TextEncoder().encode(`${device}\0`);
  if (libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0) return;
  const error = systemError("the kernel");
  const remedy =
    error.code === "ENODEV"
      ? `there is no network device ${device}: give one that \`ip link\` lists`
      : error.code === "EPERM"
        ? `no permission to bind to device ${device}: run as root or grant CAP_NET_RAW`
        : `cannot bind to device ${device}: ${error.message}`;
  throw new TcpOptionError(remedy, { cause: error });
}

/**
 * Has the segments of whoever is in `prefix` signed, in both directions, or no longer. On a connection the prefix is the
 * one address of the other end. @throws TcpOptionError
 */
export function setKey(fd: number, prefix: Prefix, password: string | undefined): void {
  const key = new TextEncoder().encode(password ?? "");
  const { family } = ip[prefix.version];
  const isHost = prefix.length === prefix.octets.length * 8;
  // struct tcp_md5sig: sockaddr_storage[128], flags u8, prefix length u8, key length u16, ifindex i32, key[80]
  const octets = new Uint8Array(216);
  const view = new DataView(octets.buffer);
  view.setUint16(0, family, true);
  octets.set(prefix.octets, prefix.version === 4 ? 4 : 8);
  if (!isHost) view.setUint16(128, TCP_MD5SIG_FLAG_PREFIX | (prefix.length << 8), true);
  view.setUint16(130, key.length, true);
  octets.set(key.subarray(0, 80), 136);
  const option = isHost ? TCP_MD5SIG : TCP_MD5SIG_EXT;
  if (libc().setsockopt(fd, SOL_TCP, option, octets, octets.length) === 0) return;
  const error = systemError("the kernel");
  // A key that is to go, and is not there.
  if (password === undefined && error.code === "ENOENT") return;
  throw new TcpOptionError(
    error.code === "ENOMEM"
      ? `the kernel takes no more TCP-MD5 keys: give a range one password, or raise net.core.optmem_max`
      : `cannot set the TCP-MD5 key for ${prefix.text}: ${error.message}`,
    { cause: error },
  );
}

/** TTL or hop limit of the SYN that an accepted connection began with, if its listener was readied here. */
export function savedSynTtl(fd: number): number | undefined {
  const syn = new Uint8Array(256);
  const length = Uint8Array.of(0, 1, 0, 0);
  if (libc().getsockopt(fd, SOL_TCP, TCP_SAVED_SYN, syn, length) < 0) return undefined;
  const octets = new DataView(length.buffer).getUint32(0, true);
  if (octets < savedSynOctets) return undefined;
  return syn[(syn[0] as number) >> 4 === 4 ? ip[4].ttlOffset : ip[6].ttlOffset];
}
