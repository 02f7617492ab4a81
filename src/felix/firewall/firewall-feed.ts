import { setImmediate as nextTurn } from "node:timers/promises";
import { isLinkLocalText, withoutZone } from "../../net/ip-address.ts";
import type { HeldGateways } from "../held-gateways.ts";
import type { PoolPolicies } from "../pool-policy.ts";
import { type TunnelKind, tunnelLinkLocal } from "../tunnel-kind.ts";
import { Firewall, type FirewallParts } from "./firewall.ts";
import type { FirewallStatus } from "./status.ts";
import type { FirewallConfig, FirewallFacts } from "./wish.ts";

export interface FirewallFeedParts extends FirewallParts {
  /** This node's own addresses. */
  readonly nodeAddresses: readonly string[];
  readonly policies: () => PoolPolicies;
  /** Of the routes that are wanted: they are nodes, too, whoever told of them. */
  readonly nextHops: () => Iterable<string>;
  /** Tunnels of ours that are there, and a number that is another one whenever others may be. */
  readonly standingTunnels: () => readonly TunnelKind[];
  readonly revision: () => number;
  readonly held: () => HeldGateways;
  /** Is all that is to be wanted known? */
  readonly isPictureComplete: () => boolean;
}

/**
 * Tells a firewall what it must know: what is configured, which tunnels may be or still are, and who is a node. Who was one
 * stays one until the picture is complete, and from then on for as long as the kernel holds a route to it: the node at the
 * other end knows no sooner that it is to send nothing any more.
 */
export class FirewallFeed {
  readonly #parts: FirewallFeedParts;
  readonly #firewall: Firewall;
  #config: FirewallConfig;
  /** As it was last told. */
  #nodes: readonly string[] = [];
  /** Was it then not known yet who else is one, and were some of them only what they had been before? */
  #isProvisional = true;
  #hasLeavers = false;
  /** The tunnels that are, or are about to be, guarded; `undefined` before the firewall was told anything. */
  #guarding: string | undefined;
  /** `undefined` once they are guarded, or cannot be. */
  #guarded: Promise<void> | undefined;
  /** When it was last looked which tunnels are there. */
  #revision: number | undefined;
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
    this.#nodes = facts.nodes;
    const done = this.#firewall.want(facts);
    const guarding = guardingOf(facts);
    if (guarding !== this.#guarding) {
      this.#guarding = guarding;
      this.#guard(done);
    }
    return done;
  }

  #guard(done: Promise<void>): void {
    const guarded = done.finally(() => {
      if (this.#guarded === guarded) this.#guarded = undefined;
    });
    this.#guarded = guarded;
  }

  /** Routes of an earlier life may have been found: they lead to nodes, too. Resolves as with `configure`. */
  adopt(): Promise<void> {
    const gateways = [...this.#ledTo()].filter((address) => !isLinkLocalText(address));
    this.#nodes = [...this.#nodes, ...gateways];
    return this.update();
  }

  /** Routes may have gone, and with them the last reason why somebody is a node. */
  letGo(): void {
    if (this.#isProvisional || this.#hasLeavers) void this.update();
  }

  /** Next hops came or went: looked at in the next turn, together with all others that do by then. */
  updateSoon(): void {
    this.#soon ??= nextTurn().then(() => {
      this.#soon = undefined;
      if (!this.#isStopped) void this.update();
    });
  }

  /** Resolves when the tunnels that some policy may choose are guarded, or cannot be; `undefined` where that is so. */
  guarded(): Promise<void> | undefined {
    const { settings } = this.#config;
    const revision = this.#parts.revision();
    if (revision !== this.#revision) {
      this.#revision = revision;
      // Of tunnels that were found at start, or taken away, nobody tells.
      if (guardingOf({ settings, tunnels: this.#tunnels() }) !== this.#guarding) void this.update();
    }
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
    const nodes = this.#nodesNow();
    const former = this.#isProvisional ? this.#firewall.formerNodes : [];
    const leavers = [...this.#nodes, ...former].filter((address) => !nodes.has(address));
    const isProvisional = !this.#parts.isPictureComplete();
    const staying = isProvisional || leavers.length === 0 ? leavers : this.#stillLedTo(leavers);
    for (const address of staying) nodes.add(address);
    this.#isProvisional = isProvisional;
    this.#hasLeavers = staying.length > 0;
    return { ...this.#config, isProvisional, tunnels: this.#tunnels(), nodes: [...nodes].sort() };
  }

  #nodesNow(): Set<string> {
    const { nodeAddresses, nextHops } = this.#parts;
    const nodes = new Set([...nodeAddresses, ...this.#config.nodes]);
    for (const address of nextHops()) nodes.add(withoutZone(address));
    return nodes;
  }

  #stillLedTo(addresses: readonly string[]): string[] {
    const gateways = this.#ledTo();
    return addresses.filter((address) => {
      return gateways.has(address) || gateways.has(tunnelLinkLocal(address));
    });
  }

  /** Gateways of the routes that the kernel holds. */
  #ledTo(): ReadonlySet<string> {
    return new Set([...this.#parts.held().values()].flatMap((gateways) => [...gateways]));
  }

  #tunnels(): TunnelKind[] {
    const { policies, standingTunnels } = this.#parts;
    const chosen = policies()
      .all()
      .flatMap(({ encapsulation, tunnel }): TunnelKind[] => {
        if (encapsulation === "never") return [];
        return tunnel === "auto" ? ["ipip", "vxlan"] : [tunnel];
      });
    return [...new Set([...chosen, ...standingTunnels()])].sort();
  }
}

function guardingOf({ settings, tunnels }: Pick<FirewallFacts, "settings" | "tunnels">): string {
  return [settings.guard, ...tunnels].join(" ");
}
