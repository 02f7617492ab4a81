import { ipVersionOf } from "../net/ip-address.ts";
import { Errno, NetlinkError } from "../netlink/errno.ts";
import type { Link, LinkChange, NewLink } from "../netlink/link.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { LoadKernelModule } from "./kernel-module.ts";
import type { Problem } from "./problem.ts";
import { newTunnelLink, TUNNEL_ALIAS, type TunnelSpec } from "./tunnel-kind.ts";

export interface TunnelDeviceOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly loadKernelModule: LoadKernelModule;
  /** This node's own address of the underlay's IP version, if it has one. */
  readonly nodeAddress: string | undefined;
}

/** Something of ours that keeps a tunnel from being, rather than the kernel's refusal. */
export class TunnelTrouble extends Error {
  override readonly name = "TunnelTrouble";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.text);
    this.problem = problem;
  }
}

/** The device of one tunnel: there, under its name, of its kind, with its settings. */
export class TunnelDevice {
  readonly #spec: TunnelSpec;
  readonly #options: TunnelDeviceOptions;
  #moduleAsked = false;

  constructor(spec: TunnelSpec, options: TunnelDeviceOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  /**
   * Makes it so, as far as it is not; adds what was to be done to `done`. Rejects with `NetlinkError` or `TunnelTrouble`.
   * @param known index of the device that it was last time, whose it is we know whatever its alias says
   */
  async ensure(done: string[], known: number | undefined): Promise<Link> {
    const { picture } = this.#options;
    const { device, linkKind, fallback } = this.#spec;
    const wanted = this.#wanted();
    let link = picture.linkNamed(device) ?? (await this.#renamed(wanted, done));
    if (link !== undefined && link.ifindex !== known) this.#mustBeOurs(link);
    if (link !== undefined && isOfAnotherNetwork(link, wanted)) {
      this.#mustBeMarked(link);
      this.#options.netlink.deleteLink(link.ifindex);
      await picture.load();
      link = undefined;
    }
    if (link === undefined) {
      link = await this.#create(wanted);
      done.push(`made the device ${device}`);
    }
    if (link.kind !== linkKind) this.#mustBeOurs(link);
    return fallback ? link : this.#settle(link, wanted, done);
  }

  #wanted(): NewLink {
    const { nodeAddress } = this.#options;
    if (nodeAddress !== undefined) return newTunnelLink(this.#spec, nodeAddress);
    const text = `this node has no IPv${this.#spec.underlay} address to tunnel from`;
    throw new TunnelTrouble({ errno: undefined, text, remedy: undefined });
  }

  #mustBeOurs({ kind, alias }: Link): void {
    const { device, linkKind, fallback } = this.#spec;
    const remedy = `ip link delete ${device}`;
    if (kind !== linkKind) {
      const text = `${device} is of type ${kind ?? "none"}, not ${linkKind}`;
      throw new TunnelTrouble({ errno: undefined, text, remedy });
    }
    if (fallback || alias === undefined || alias === TUNNEL_ALIAS) return;
    const text = `${device} is somebody else's: its alias is ${alias}`;
    throw new TunnelTrouble({ errno: undefined, text, remedy });
  }

  /** What is to be deleted must be ours for sure. */
  #mustBeMarked({ alias, vxlan }: Link): void {
    if (alias === TUNNEL_ALIAS) return;
    const { device } = this.#spec;
    const text = `${device} is somebody else's: it has the number ${vxlan?.id} and port ${vxlan?.port}, and not our alias`;
    const remedy = `ip link delete ${device}`;
    throw new TunnelTrouble({ errno: undefined, text, remedy });
  }

  /** Somebody gave ours another name, or the configuration does: it gets its own, and its routes go on. */
  async #renamed(wanted: NewLink, done: string[]): Promise<Link | undefined> {
    const { picture, netlink } = this.#options;
    const { device: name, fallback } = this.#spec;
    if (fallback) return undefined;
    const link = [...picture.links()].find((one) => isTwin(one, wanted));
    if (link === undefined) return undefined;
    try {
      netlink.changeLink(link.ifindex, { name });
    } catch (error) {
      // Before Linux 6.2 a device that is up keeps its name.
      if (!(error instanceof NetlinkError && error.errno === Errno.busy)) throw error;
      netlink.changeLink(link.ifindex, { up: false });
      netlink.changeLink(link.ifindex, { name, up: true });
    }
    done.push(`gave ${link.name} its name ${name}`);
    await picture.load();
    return picture.linkNamed(name);
  }

  async #create(wanted: NewLink): Promise<Link> {
    const { picture, netlink, loadKernelModule } = this.#options;
    const { device, linkKind } = this.#spec;
    for (;;) {
      let refusal: NetlinkError | undefined;
      try {
        netlink.createLink(wanted);
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        refusal = error;
      }
      if (refusal?.errno === Errno.notSupported) {
        const isFirst = !this.#moduleAsked;
        this.#moduleAsked = true;
        if (isFirst && (await loadKernelModule(linkKind))) continue;
        throw new TunnelTrouble(unsupported(linkKind, refusal));
      }
      // Loading the module makes the kernel's own device, so that ours comes too late.
      if (refusal !== undefined && refusal.errno !== Errno.exists) throw refusal;
      await picture.load();
      const link = picture.linkNamed(device);
      if (link !== undefined) return link;
      if (refusal !== undefined) throw new TunnelTrouble(inTheWay(this.#spec, refusal));
    }
  }

  /** Brings the settings of a device of our own to what they shall be. */
  #settle(link: Link, wanted: NewLink, done: string[]): Link {
    const { netlink } = this.#options;
    const { kind, mac, vxlan, ipTunnel } = wanted;
    const change = (what: string, changes: LinkChange): void => {
      netlink.changeLink(link.ifindex, changes);
      done.push(what);
    };
    if (mac !== undefined && link.mac !== mac) change(`MAC address ${mac}`, { mac });
    if (!isSame(link.vxlan, vxlan) || !isSame(link.ipTunnel, ipTunnel)) {
      const words = Object.entries({ ...vxlan, ...ipTunnel }).map(
        ([key, value]) => `${key} ${value}`,
      );
      change(words.join(", "), { info: { kind, vxlan, ipTunnel } });
    }
    if (link.alias !== TUNNEL_ALIAS) change("alias", { alias: TUNNEL_ALIAS });
    return link;
  }
}

/** What of a VXLAN device can never be changed. */
function isOfAnotherNetwork({ vxlan }: Link, wanted: NewLink): boolean {
  if (vxlan === undefined || wanted.vxlan === undefined) return false;
  return vxlan.id !== wanted.vxlan.id || vxlan.port !== wanted.vxlan.port;
}

/** Is it ours under another name? The kernel would not have a second one like it. */
function isTwin(link: Link, { kind, vxlan, ipTunnel }: NewLink): boolean {
  if (link.alias !== TUNNEL_ALIAS || link.kind !== kind) return false;
  if (vxlan === undefined) return link.ipTunnel?.local === ipTunnel?.local;
  if (link.vxlan?.id !== vxlan.id || link.vxlan.port !== vxlan.port) return false;
  // One over IPv4 and one over IPv6 stand side by side.
  return ipVersionOf(link.vxlan.local ?? "") === ipVersionOf(vxlan.local ?? "");
}

/** Does a device have the settings that it shall have, if any? */
function isSame<Settings extends object>(
  is: Settings | undefined,
  shall: Settings | undefined,
): boolean {
  const keys = Object.keys(shall ?? {}) as (keyof Settings)[];
  return keys.every((key) => is?.[key] === shall?.[key]);
}

function unsupported(linkKind: string, error: NetlinkError): Problem {
  const other = linkKind === "vxlan" ? "tunnel: ipip" : "tunnel: vxlan";
  return {
    errno: error.errno,
    text: `kernel has no ${linkKind} (${error.reason})`,
    remedy: `modprobe ${linkKind}, or \`${other}\` on every node, or \`encapsulation: never\``,
  };
}

function inTheWay({ device, linkKind }: TunnelSpec, error: NetlinkError): Problem {
  return {
    errno: error.errno,
    text: `another device stands where ${device} is to be (${error.reason})`,
    remedy: `ip -d link show type ${linkKind}, and delete what does the same`,
  };
}
