import { setImmediate as nextTurn } from "node:timers/promises";
import { withoutZone } from "../../net/ip-address.ts";
import type { PoolPolicies } from "../pool-policy.ts";
import type { TunnelKind } from "../tunnel-kind.ts";
import { Firewall, type FirewallParts } from "./firewall.ts";
import type { FirewallStatus } from "./status.ts";
import type { FirewallConfig, FirewallFacts } from "./wish.ts";

export interface FirewallFeedParts extends FirewallParts {
  /** This node's own addresses. */
  readonly nodeAddresses: readonly string[];
  readonly policies: () => PoolPolicies;
  /** Of the routes that are wanted: they are nodes, too, whoever told of them. */
  readonly nextHops: () => Iterable<string>;
}

/** Tells a firewall what it must know: what is configured, which tunnels may be, and who is a node. */
export class FirewallFeed {
  readonly #parts: FirewallFeedParts;
  readonly #firewall: Firewall;
  #config: FirewallConfig;
  /** The tunnels that are, or are about to be, guarded. */
  #guarding = "";
  #guarded: Promise<void> = Promise.resolve();
  #soon: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: FirewallFeedParts, config: FirewallConfig) {
    this.#parts = parts;
    this.#config = config;
    this.#firewall = new Firewall(parts);
  }

  /** The configuration is this now; resolves when the firewall follows from it, or cannot for now. */
  configure(config: FirewallConfig): Promise<void> {
    this.#config = config;
    return this.update();
  }

  /** The policies are others. Resolves as with `configure`. */
  update(): Promise<void> {
    const facts = this.#facts();
    const done = this.#firewall.want(facts);
    const guarding = [facts.settings.guard, ...facts.tunnels].join(" ");
    if (guarding !== this.#guarding) {
      this.#guarding = guarding;
      this.#guarded = done;
    }
    return done;
  }

  /** Next hops came or went: looked at in the next turn, together with all others that do by then. */
  updateSoon(): void {
    this.#soon ??= nextTurn().then(() => {
      this.#soon = undefined;
      if (!this.#isStopped) void this.update();
    });
  }

  /** Resolves when the tunnels that some policy may choose are guarded, or cannot be. */
  guarded(): Promise<void> {
    return this.#guarded;
  }

  /** Resolves when nothing is about to be done, nor being done. */
  async settled(): Promise<void> {
    await this.#soon;
    await this.#firewall.settled();
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#firewall.stop();
  }

  status(): FirewallStatus {
    return this.#firewall.status();
  }

  #facts(): FirewallFacts {
    const { nodeAddresses, policies, nextHops } = this.#parts;
    const nodes = new Set([...nodeAddresses, ...this.#config.nodes]);
    for (const address of nextHops()) nodes.add(withoutZone(address));
    const tunnels = policies()
      .all()
      .flatMap(({ encapsulation, tunnel }): TunnelKind[] => {
        if (encapsulation === "never") return [];
        return tunnel === "auto" ? ["ipip", "vxlan"] : [tunnel];
      });
    return { ...this.#config, tunnels, nodes: [...nodes].sort() };
  }
}
