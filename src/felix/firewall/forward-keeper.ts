import type { NftablesChange } from "../../netlink/nftables-event.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { Contest } from "../contest.ts";
import { changerText } from "./changer.ts";
import { type ForwardChoice, type ForwardPlan, planForward, tableName } from "./forward.ts";
import type { Nft } from "./nft.ts";
import { type Obstacle, obstacleOf } from "./obstacle.ts";
import type { Table } from "./rules.ts";

export interface ForwardKeeperParts {
  readonly nft: Nft;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where rules of ours let packets of pods through that would be dropped. */
export interface Passage {
  /** `ip filter DOCKER-USER`. */
  readonly place: string;
  readonly pods: readonly string[];
}

/** Keeps a few rules of ours in tables of iptables that would drop packets of pods, and tells of other tables that do. */
export class ForwardKeeper {
  readonly #parts: ForwardKeeperParts;
  readonly #contest: Contest;
  /** Rules of ours by the tables that they are in. */
  #placed = new Map<string, number>();
  passages: readonly Passage[] = [];
  obstacles: readonly Obstacle[] = [];
  /** Times that others took rules of ours away, or put something before them, and that was mended. */
  repairs = 0;

  constructor(parts: ForwardKeeperParts) {
    this.#parts = parts;
    this.#contest = new Contest(parts.clock);
  }

  /**
   * Makes it so that packets of these pods get through these tables, where that is ours to do; resolves to the table that
   * another program keeps changing, if there is one. `by`: who changed tables since the last time. Rejects with `NftError`,
   * with `isAbsent` where the tables are others by now.
   */
  async ensure(
    tables: readonly Table[],
    pods: readonly Prefix[],
    choice: ForwardChoice,
    by: NftablesChange | undefined,
  ): Promise<string | undefined> {
    const { nft } = this.#parts;
    const placed = new Map<string, number>();
    const passages: Passage[] = [];
    const obstacles: Obstacle[] = [];
    let contested: string | undefined;
    for (const table of tables) {
      const name = tableName(table);
      const plan = planForward(table, pods, choice);
      if (plan.script !== undefined) {
        await nft.apply(plan.script);
        if (this.#repaired(name, plan, by) && this.#contest.repaired(name)) contested = name;
      }
      const { passage, passed, drops } = plan;
      if (passage !== undefined) {
        placed.set(name, 2 * passed.length);
        passages.push({ place: passage, pods: passed.map(({ text }) => text) });
      }
      for (const drop of drops) obstacles.push(await obstacleOf(drop, nft, choice));
    }
    this.#placed = placed;
    this.passages = passages;
    this.obstacles = obstacles;
    return contested;
  }

  /** Was it a repair, rather than the first time? */
  #repaired(name: string, plan: ForwardPlan, by: NftablesChange | undefined): boolean {
    const { passage, passed } = plan;
    if (passage === undefined || this.#placed.get(name) !== 2 * passed.length) return false;
    this.repairs++;
    const who = by === undefined ? "" : `: ${changerText(by)}`;
    const message = `put back our rules in ${passage} that someone deleted or changed${who}`;
    this.#parts.logger.warn({ table: name }, message);
    return true;
  }
}
