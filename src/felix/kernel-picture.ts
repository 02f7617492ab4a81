import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../net/prefix.ts";
import type { InterfaceAddress } from "../netlink/address.ts";
import type { Link } from "../netlink/link.ts";
import type { Netlink, NetlinkEvent } from "../netlink/netlink.ts";

/** What an event about links or addresses changed. */
export interface PictureChange {
  readonly links: boolean;
  readonly addresses: boolean;
  /** An interface went up, down or away: the kernel may have dropped routes without saying so. */
  readonly routesLost: boolean;
}

const unchanged: PictureChange = { links: false, addresses: false, routesLost: false };

/** The interfaces and addresses of this machine, read once and kept up to date by events. */
export class KernelPicture {
  readonly #netlink: Netlink;
  readonly #links = new Map<number, Link>();
  #addresses: readonly InterfaceAddress[] = [];
  /** Another number whenever something else may be there. */
  revision = 0;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  links(): Iterable<Link> {
    return this.#links.values();
  }

  link(ifindex: number): Link | undefined {
    return this.#links.get(ifindex);
  }

  linkNamed(name: string): Link | undefined {
    for (const link of this.#links.values()) if (link.name === name) return link;
    return undefined;
  }

  /** `eth0`, or `if7` of an interface that is gone. */
  deviceName(ifindex: number): string {
    return this.#links.get(ifindex)?.name ?? `if${ifindex}`;
  }

  /** The interface that has an address, if any. */
  linkOfAddress(address: string): Link | undefined {
    const found = this.#addresses.find((entry) => entry.address === address);
    return found === undefined ? undefined : this.#links.get(found.ifindex);
  }

  /** Is the prefix a subnet that one of the interface's addresses makes? */
  isInterfaceSubnet(ifindex: number, prefix: Prefix): boolean {
    return this.#addresses.some(
      (entry) =>
        entry.ifindex === ifindex &&
        entry.prefixLength === prefix.length &&
        subnetText(entry) === prefix.text,
    );
  }

  /** Reads everything anew. Rejects with `NetlinkError`. */
  load(): Promise<void> {
    return this.#netlink.hold(async () => {
      const links = await this.#netlink.dumpLinks();
      this.#addresses = await this.#netlink.dumpAddresses();
      this.#links.clear();
      for (const link of links) this.#links.set(link.ifindex, link);
      this.revision++;
    });
  }

  /** Takes in an event and says what it changed. */
  apply(event: NetlinkEvent): PictureChange {
    this.revision++;
    if (event.kind === "link") return this.#applyLink(event.link, event.op === "deleted");
    if (event.kind !== "address") return unchanged;
    const { address, op } = event;
    const others = this.#addresses.filter((entry) => !sameAddress(entry, address));
    this.#addresses = op === "new" ? [...others, address] : others;
    return { links: false, addresses: true, routesLost: op === "deleted" };
  }

  #applyLink(link: Link, gone: boolean): PictureChange {
    const before = this.#links.get(link.ifindex);
    if (gone) {
      this.#links.delete(link.ifindex);
      this.#addresses = this.#addresses.filter((entry) => entry.ifindex !== link.ifindex);
      return { links: true, addresses: true, routesLost: true };
    }
    this.#links.set(link.ifindex, link);
    const switched = before?.up !== link.up || before.running !== link.running;
    const changed = switched || lookOf(before) !== lookOf(link);
    return { links: changed, addresses: false, routesLost: switched && before !== undefined };
  }
}

/** All that matters of a link besides whether it is up. */
function lookOf({ name, mtu, alias, mac, vxlan, ipTunnel }: Link): string {
  return JSON.stringify([name, mtu, alias, mac, vxlan, ipTunnel]);
}

function sameAddress(a: InterfaceAddress, b: InterfaceAddress): boolean {
  return a.ifindex === b.ifindex && a.address === b.address && a.prefixLength === b.prefixLength;
}

function subnetText(entry: InterfaceAddress): string | undefined {
  const octets = parseIpAddress(entry.subnetAddress);
  return octets === undefined ? undefined : prefixFromOctets(octets, entry.prefixLength).text;
}
