import type { NftablesChange, NftablesTable } from "../../netlink/nftables-event.ts";
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

/** What was found, or done, in a table. */
interface Outcome {
  readonly table: Table;
  /** Rules of ours. */
  readonly placed: number;
  readonly passages: readonly Passage[];
  readonly obstacles: readonly Obstacle[];
}

/** Keeps a few rules of ours in tables of iptables that would drop packets of pods, and tells of other tables that do. */
export class ForwardKeeper {
  readonly #parts: ForwardKeeperParts;
  readonly #contest: Contest;
  #outcomes = new Map<NftablesTable, Outcome>();
  /** Times that others took rules of ours away, or put something before them, and that was mended. */
  repairs = 0;

  constructor(parts: ForwardKeeperParts) {
    this.#parts = parts;
    this.#contest = new Contest(parts.clock);
  }

  get passages(): readonly Passage[] {
    return [...this.#outcomes.values()].flatMap(({ passages }) => passages);
  }

  get obstacles(): readonly Obstacle[] {
    return [...this.#outcomes.values()].flatMap(({ obstacles }) => obstacles);
  }

  /**
   * Makes it so that packets of these pods get through these tables, where that is ours to do; resolves to the table that
   * another program keeps changing, if there is one. A table that was not read again since the last time shows nothing of
   * what was done then, and is left as it is. `by`: who changed tables since. Rejects with `NftError`, with `isAbsent` where
   * the tables are others by now; then all are to be read again.
   */
  async ensure(
    tables: readonly Table[],
    pods: readonly Prefix[],
    choice: ForwardChoice,
    by: ReadonlyMap<NftablesTable, NftablesChange>,
  ): Promise<string | undefined> {
    const { nft } = this.#parts;
    const outcomes = new Map<NftablesTable, Outcome>();
    let contested: string | undefined;
    for (const table of tables) {
      const name = tableName(table);
      const before = this.#outcomes.get(name);
      if (before?.table === table) {
        outcomes.set(name, before);
        continue;
      }
      const plan = planForward(table, pods, choice);
      if (plan.script !== undefined) {
        await nft.apply(plan.script);
        if (this.#repaired(plan, before, by.get(name)) && this.#contest.repaired(name)) {
          contested = name;
        }
      }
      outcomes.set(name, await this.#outcome(table, plan, choice));
    }
    this.#outcomes = outcomes;
    return contested;
  }

  async #outcome(table: Table, plan: ForwardPlan, choice: ForwardChoice): Promise<Outcome> {
    const { passage, passed, drops } = plan;
    const obstacles: Obstacle[] = [];
    for (const drop of drops) obstacles.push(await obstacleOf(drop, this.#parts.nft, choice));
    const pods = passed.map(({ text }) => text);
    const passages = passage === undefined ? [] : [{ place: passage, pods }];
    return { table, placed: 2 * passed.length, passages, obstacles };
  }

  /** Was it a repair, rather than the first time? */
  #repaired(
    { passage, passed }: ForwardPlan,
    before: Outcome | undefined,
    by: NftablesChange | undefined,
  ): boolean {
    if (passage === undefined || before?.placed !== 2 * passed.length) return false;
    this.repairs++;
    const who = by === undefined ? "" : `: ${changerText(by)}`;
    const message = `put back our rules in ${passage} that someone deleted or changed${who}`;
    this.#parts.logger.warn({ table: tableName(before.table) }, message);
    return true;
  }
}
