import { ip, libc, setNumber, socketAddress } from "./linux-socket.ts";
import type { IpVersion } from "../net/ip-address.ts";

/** What became of the packets that a probe has sent. */
export type ProbeAnswer =
  /** One of them reached the other end, which said so. */
  | { readonly kind: "arrived" }
  /** A router, or this machine, says that it is too big, and how big one may be, in octets. */
  | { readonly kind: "too-big"; readonly mtu: number }
  /** Nobody has said anything yet. */
  | { readonly kind: "silent" };

/** Sends packets of one size to one address, never to be fragmented on the way. */
export interface PathProbe {
  send(): void;
  /** Never waits. */
  answer(): ProbeAnswer;
  close(): void;
}

/** One that cannot be stays silent. @param octets of the whole IP packet */
export type OpenPathProbe = (address: string, octets: number) => PathProbe;

const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000;
/** IP_PMTUDISC_PROBE and IPV6_PMTUDISC_PROBE: DF is set, and what is known of the path's MTU does not count. */
const PROBE = 3;
const UDP_HEADER_OCTETS = 8;
const EMSGSIZE = 90;
const ECONNREFUSED = 111;
/** Where traceroute begins: nobody listens there, and firewalls that let anything in let that in. */
const PORT = 33434;

const options = {
  4: { headerOctets: 20, discover: 10, mtu: 14, dontFragment: undefined },
  6: { headerOctets: 40, discover: 23, mtu: 24, dontFragment: 62 },
} as const;

/**
 * A probe by UDP to a port where nobody listens: the ICMP "port unreachable" that comes back says that the packet has
 * arrived, and needs no room itself. That takes no privilege, and tells of the way there alone.
 */
export const openPathProbe: OpenPathProbe = (address, octets) => {
  const version: IpVersion = address.includes(":") ? 6 : 4;
  const c = libc();
  const fd = c.socket(ip[version].family, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  const { headerOctets, discover, dontFragment } = options[version];
  const { level } = ip[version];
  const name = socketAddress(address, PORT);
  setNumber(fd, level, discover, PROBE);
  if (dontFragment !== undefined) setNumber(fd, level, dontFragment, 1);
  const isConnected = c.connect(fd, name, name.length) === 0;
  return new UdpProbe(fd, version, isConnected, octets - headerOctets - UDP_HEADER_OCTETS);
};

class UdpProbe implements PathProbe {
  readonly #fd: number;
  readonly #version: IpVersion;
  readonly #payload: Uint8Array;
  readonly #isConnected: boolean;
  #answer: ProbeAnswer = { kind: "silent" };

  constructor(fd: number, version: IpVersion, isConnected: boolean, payloadOctets: number) {
    this.#fd = fd;
    this.#version = version;
    this.#isConnected = isConnected;
    this.#payload = new Uint8Array(payloadOctets);
  }

  send(): void {
    if (!this.#isConnected) return;
    const { length } = this.#payload;
    if (libc().send(this.#fd, this.#payload, length, 0) < 0) this.#failed(libc().errno());
  }

  answer(): ProbeAnswer {
    if (this.#answer.kind === "silent" && this.#isConnected) {
      // An ICMP error comes as the failure of the next call; whoever does listen there may even answer.
      const received = libc().recv(this.#fd, new Uint8Array(1), 1, 0);
      if (received >= 0) this.#answer = { kind: "arrived" };
      else this.#failed(libc().errno());
    }
    return this.#answer;
  }

  close(): void {
    libc().close(this.#fd);
  }

  #failed(errno: number): void {
    if (errno === ECONNREFUSED) this.#answer = { kind: "arrived" };
    else if (errno === EMSGSIZE) this.#answer = { kind: "too-big", mtu: this.#mtu() };
  }

  /** What the kernel has learnt of the path. */
  #mtu(): number {
    const value = new Uint8Array(4);
    const length = Uint8Array.of(4, 0, 0, 0);
    const { level } = ip[this.#version];
    const option = options[this.#version].mtu;
    if (libc().getsockopt(this.#fd, level, option, value, length) < 0) return 0;
    return new DataView(value.buffer).getUint32(0, true);
  }
}
