/** Linux errno values that rtnetlink answers with, named as in errno(3). */
const names: ReadonlyMap<number, readonly [name: string, meaning: string]> = new Map([
  [1, ["EPERM", "operation not permitted"]],
  [2, ["ENOENT", "no such entry"]],
  [3, ["ESRCH", "no such route"]],
  [4, ["EINTR", "interrupted"]],
  [5, ["EIO", "input/output error"]],
  [6, ["ENXIO", "no such device or address"]],
  [11, ["EAGAIN", "try again"]],
  [12, ["ENOMEM", "out of memory"]],
  [13, ["EACCES", "permission denied"]],
  [16, ["EBUSY", "device or resource busy"]],
  [17, ["EEXIST", "already there"]],
  [19, ["ENODEV", "no such device"]],
  [22, ["EINVAL", "invalid argument"]],
  [28, ["ENOSPC", "no space left"]],
  [34, ["ERANGE", "out of range"]],
  [90, ["EMSGSIZE", "message too long"]],
  [93, ["EPROTONOSUPPORT", "protocol not supported"]],
  [95, ["EOPNOTSUPP", "operation not supported"]],
  [97, ["EAFNOSUPPORT", "address family not supported"]],
  [99, ["EADDRNOTAVAIL", "address not available"]],
  [100, ["ENETDOWN", "network is down"]],
  [101, ["ENETUNREACH", "network is unreachable"]],
  [105, ["ENOBUFS", "no buffer space available"]],
  [113, ["EHOSTUNREACH", "no route to host"]],
]);

/** The errno numbers that code branches on. */
export const Errno = {
  noEntry: 2,
  noSuchRoute: 3,
  interrupted: 4,
  io: 5,
  again: 11,
  busy: 16,
  exists: 17,
  noDevice: 19,
  invalid: 22,
  notSupported: 95,
  addressNotAvailable: 99,
  networkDown: 100,
  networkUnreachable: 101,
  noBuffers: 105,
  hostUnreachable: 113,
} as const;

/** `EEXIST` of 17; `E4095` of a number that has no name here. */
function errnoName(errno: number): string {
  return names.get(errno)?.[0] ?? `E${errno}`;
}

/** `ENETUNREACH: Nexthop has invalid gateway`: the name, then the kernel's own words, or ours where it gave none. */
export function errnoText(errno: number, kernelText?: string): string {
  const meaning = kernelText ?? names.get(errno)?.[1];
  return meaning === undefined ? errnoName(errno) : `${errnoName(errno)}: ${meaning}`;
}

/** The kernel refused a request. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** Positive errno. */
  readonly errno: number;
  /** `EEXIST: already there`, without the operation. */
  readonly reason: string;

  /** `operation` says what was asked, e.g. `add address 10.233.1.0/32`; `kernelText` is the extended acknowledgement's. */
  constructor(operation: string, errno: number, kernelText?: string) {
    const reason = errnoText(errno, kernelText);
    super(`${operation}: ${reason}`);
    this.errno = errno;
    this.reason = reason;
  }
}
