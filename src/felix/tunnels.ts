import type { Prefix } from "../net/prefix.ts";
import type { Problem } from "./problem.ts";
import { Tunnel, type TunnelOptions, type TunnelWish } from "./tunnel.ts";
import { type TunnelChoice, type TunnelSpec, tunnelSpecs } from "./tunnel-kind.ts";

/** What the routes ask of a tunnel. */
export interface TunnelNeed {
  /** Octets; `undefined` where no link says. */
  underlayMtu: number | undefined;
  readonly peers: Set<string>;
}

/** All tunnels, each kept only while some route needs it. */
export class Tunnels {
  readonly all: readonly Tunnel[];
  #lastWishes = new Map<TunnelSpec, string>();

  /** `nodeAddresses`: this node's own, of each IP version that it has one of. */
  constructor(
    options: Omit<TunnelOptions, "nodeAddress">,
    nodeAddresses: Readonly<Partial<Record<4 | 6, string>>>,
  ) {
    this.all = tunnelSpecs.map(
      (spec) => new Tunnel(spec, { ...options, nodeAddress: nodeAddresses[spec.underlay] }),
    );
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
    for (const [tunnel, { underlayMtu, peers }] of needs) {
      const wish: TunnelWish = { underlayMtu, podCidrs, peers: [...peers] };
      const words = `${underlayMtu} ${podCidrs.map(({ text }) => text).join(" ")} ${wish.peers.join(" ")}`;
      if (!due && words === this.#lastWishes.get(tunnel.spec)) continue;
      this.#lastWishes.set(tunnel.spec, words);
      if (await tunnel.ensure(wish)) changed = true;
    }
    return changed;
  }

  /** Does a link belong to some tunnel? */
  owns(ifindex: number): boolean {
    return this.all.some((tunnel) => tunnel.ifindex === ifindex);
  }

  get repairs(): number {
    return this.all.reduce((sum, { repairs }) => sum + repairs, 0);
  }
}
