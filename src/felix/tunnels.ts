import type { Prefix } from "../net/prefix.ts";
import type { HeldGateways } from "./held-gateways.ts";
import type { Problem } from "./problem.ts";
import { Tunnel, type TunnelOptions, type TunnelWish } from "./tunnel.ts";
import type { PathPolicy } from "./pool-policy.ts";
import { type TunnelChoice, type TunnelSettings, tunnelSpecs } from "./tunnel-kind.ts";

/** What the routes ask of a tunnel. */
export interface TunnelNeed {
  /** Octets; `undefined` where no link says. */
  underlayMtu: number | undefined;
  readonly peers: Set<string>;
  /** Some routes lead to link-local addresses of the other ends. */
  linkLocal: boolean;
}

/** All tunnels, each kept only while some route needs it. */
export class Tunnels {
  readonly #options: Omit<TunnelOptions, "nodeAddress">;
  readonly #nodeAddresses: Readonly<Partial<Record<4 | 6, string>>>;
  #all: readonly Tunnel[] = [];
  #lastWishes = new Map<Tunnel, string>();
  /** Those of tunnels that the settings know no more. */
  #formerRepairs = 0;

  /** `nodeAddresses`: this node's own, of each IP version that it has one of. */
  constructor(
    options: Omit<TunnelOptions, "nodeAddress">,
    nodeAddresses: Readonly<Partial<Record<4 | 6, string>>>,
    settings: TunnelSettings,
  ) {
    this.#options = options;
    this.#nodeAddresses = nodeAddresses;
    this.configure(settings);
  }

  get all(): readonly Tunnel[] {
    return this.#all;
  }

  /** Tunnels that these settings say other things of are others from now on. Returns whether any is. */
  configure(settings: TunnelSettings): boolean {
    const before = this.#all;
    this.#all = tunnelSpecs(settings).map((spec) => {
      const same = before.find((tunnel) => JSON.stringify(tunnel.spec) === JSON.stringify(spec));
      const nodeAddress = this.#nodeAddresses[spec.underlay];
      return same ?? new Tunnel(spec, { ...this.#options, nodeAddress });
    });
    const gone = before.filter((tunnel) => !this.#all.includes(tunnel));
    for (const tunnel of gone) {
      this.#formerRepairs += tunnel.repairs;
      this.#lastWishes.delete(tunnel);
    }
    return gone.length > 0;
  }

  /** The devices that routes of these policies may lead through. */
  usedBy(policies: readonly PathPolicy[]): Set<string> {
    const devices = new Set<string>();
    for (const { encapsulation, tunnel } of policies) {
      if (encapsulation === "never") continue;
      for (const underlay of [4, 6] as const) {
        for (const payload of [4, 6] as const) {
          const chosen = this.choose(tunnel, underlay, payload);
          if (chosen !== undefined) devices.add(chosen.spec.device);
        }
      }
    }
    return devices;
  }

  /** The tunnel for a choice, to a next hop of one IP version, for packets of another or the same; `undefined` when none carries them. */
  choose(choice: TunnelChoice, underlay: 4 | 6, payload: 4 | 6): Tunnel | undefined {
    const fit = this.all.filter(
      ({ spec }) => spec.underlay === underlay && spec.carries.includes(payload),
    );
    if (choice !== "auto") return fit.find(({ spec }) => spec.kind === choice);
    return fit.find((tunnel) => tunnel.isSupported !== false) ?? fit[0];
  }

  /** What is wrong with some tunnel that is needed. */
  problem(needs: ReadonlyMap<Tunnel, TunnelNeed>): Problem | undefined {
    return [...needs.keys()].find(({ problem }) => problem !== undefined)?.problem;
  }

  /** Brings the tunnels that are needed to what they shall be. `due`: look also where nothing else is asked than last time. */
  async ensure(
    needs: ReadonlyMap<Tunnel, TunnelNeed>,
    podCidrs: readonly Prefix[],
    due: boolean,
  ): Promise<boolean> {
    let changed = false;
    for (const [tunnel, { underlayMtu, peers, linkLocal }] of needs) {
      const wish: TunnelWish = { underlayMtu, podCidrs, peers: [...peers], linkLocal };
      const words = `${underlayMtu} ${linkLocal} ${podCidrs.map(({ text }) => text).join(" ")} ${wish.peers.join(" ")}`;
      if (!due && words === this.#lastWishes.get(tunnel)) continue;
      this.#lastWishes.set(tunnel, words);
      if (await tunnel.ensure(wish)) changed = true;
    }
    for (const tunnel of this.#all) {
      if (needs.has(tunnel)) continue;
      if (this.#lastWishes.delete(tunnel) || due) await tunnel.rest();
    }
    return changed;
  }

  /** Takes away what only routes needed that are gone: once all are written, lest one loses its way before it has another. */
  async sweep(held: () => HeldGateways): Promise<void> {
    for (const tunnel of this.#all) await tunnel.sweep(held);
  }

  /** The tunnel that a link is the device of. */
  ofLink(ifindex: number): Tunnel | undefined {
    return this.all.find((tunnel) => tunnel.ifindex === ifindex);
  }

  /** Octets that the tunnel of this name puts around a packet; 0 of any other device. */
  overheadOf(device: string): number {
    return this.all.find(({ spec }) => spec.device === device)?.spec.overhead ?? 0;
  }

  get repairs(): number {
    return this.all.reduce((sum, { repairs }) => sum + repairs, this.#formerRepairs);
  }
}
