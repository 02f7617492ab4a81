import type { NftablesChange } from "../../netlink/nftables-event.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { Contest } from "../contest.ts";
import { changerText } from "./changer.ts";
import { type Nft, NftError } from "./nft.ts";
import { canonical, nodesIn, nodesScript, replaceScript, TABLE, tableText } from "./table.ts";
import type { FirewallWish } from "./wish.ts";

export interface TableKeeperParts {
  readonly nft: Nft;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What we last made of the table. */
interface Held {
  /** Without nodes; `undefined` when there is no table. */
  readonly frame: string | undefined;
  readonly nodes: readonly string[];
  /** As `nft list` shows it, which any other hand's change changes. */
  readonly shown: string | undefined;
}

/** A write that somebody disturbed is done again, this often at most. */
const ATTEMPTS = 5;
/** For so long after a write, a change of the table by a port that is no process's id may be that write. */
const ECHO_MS = 100;
/** Above are ports that the kernel chooses where a process's id is taken by another socket. */
const MAXIMUM_PROCESS_ID = 0x7fff_ffff;

/** Keeps our table as it shall be: whole, by one transaction, and its nodes by small ones. */
export class TableKeeper {
  readonly #parts: TableKeeperParts;
  readonly #contest: Contest;
  #held: Held | undefined;
  /** What an earlier life left, as it was when it was first looked at. */
  #earlier: { readonly shown: string | undefined; readonly nodes: readonly string[] } | undefined;
  #isDoubted = false;
  /** Changes of the table by others, as they are told. */
  #touches = 0;
  #culprit: NftablesChange | undefined;
  #writtenMs = Number.NEGATIVE_INFINITY;
  /** What others deleted or changed, and that was put back. */
  repairs = 0;

  constructor(parts: TableKeeperParts) {
    this.#parts = parts;
    this.#contest = new Contest(parts.clock);
  }

  /** Is the table there, as it was last wanted? */
  get isInPlace(): boolean {
    return this.#held?.frame !== undefined;
  }

  /** Nodes that the table of an earlier life had; none until they are read. */
  get formerNodes(): readonly string[] {
    return this.#earlier?.nodes ?? [];
  }

  /** Looks at what an earlier life left. Rejects with `NftError`. */
  async readEarlier(): Promise<string | undefined> {
    if (this.#earlier === undefined) {
      const shown = await this.#listing();
      this.#earlier = { shown, nodes: nodesIn(shown ?? "") };
    }
    return this.#earlier.shown;
  }

  /** Somebody may have changed the table, `by` whom where that is known: it is looked at before anything else. */
  doubt(by?: NftablesChange): void {
    this.#isDoubted = true;
    this.#touches++;
    this.#culprit = by;
  }

  /**
   * Makes the table so, as far as it is not; resolves to the milliseconds to leave it alone for when another program keeps
   * changing it. Rejects with `NftError`.
   */
  async ensure(wish: FirewallWish, nodes: readonly string[]): Promise<number | undefined> {
    const frame = tableText(wish, []);
    const held = (this.#held ??= await this.#adopt(wish, nodes));
    const isDamaged = await this.#isDamaged(held);
    if (held.frame === frame && !isDamaged) {
      await this.#moveNodes(held, wish, nodes);
      return undefined;
    }
    const repaired = isDamaged ? (): void => this.#repaired() : undefined;
    await this.#write(wish, nodes, () => replaceScript(tableText(wish, nodes)), repaired);
    const isFight = isDamaged && this.#contest.repaired(TABLE);
    return isFight ? Contest.restMs : undefined;
  }

  /** What an earlier life left: with the wanted content it is as if we had just made it. */
  async #adopt(wish: FirewallWish, nodes: readonly string[]): Promise<Held> {
    const text = tableText(wish, nodes);
    try {
      const shown = await this.readEarlier();
      const isWanted = text !== undefined && canonical(shown ?? "") === canonical(text);
      return isWanted
        ? { frame: tableText(wish, []), nodes, shown }
        : { frame: shown, nodes, shown };
    } catch (error) {
      // Who wants no table needs no nft(8).
      if (text !== undefined || !(error instanceof NftError)) throw error;
      return { frame: undefined, nodes, shown: undefined };
    }
  }

  /** Is it other than what we last made? */
  async #isDamaged({ shown }: Held): Promise<boolean> {
    if (!this.#isDoubted) return false;
    this.#isDoubted = false;
    if (this.#isCertain || (await this.#listing()) !== shown) return true;
    this.#culprit = undefined;
    return false;
  }

  async #moveNodes(held: Held, wish: FirewallWish, nodes: readonly string[]): Promise<void> {
    const script = wish.guarded.length === 0 ? undefined : nodesScript(held.nodes, nodes);
    if (script === undefined) return;
    await this.#write(wish, nodes, (attempt) =>
      attempt === 0 ? script : replaceScript(tableText(wish, nodes)),
    );
  }

  /** Writes, then looks what it looks like; anew when somebody had a hand in it meanwhile. */
  async #write(
    wish: FirewallWish,
    nodes: readonly string[],
    script: (attempt: number) => string,
    onWritten?: () => void,
  ): Promise<void> {
    const frame = tableText(wish, []);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const touches = this.#touches;
      try {
        await this.#parts.nft.apply(script(attempt));
      } catch (error) {
        // What was to be changed may be gone: the next attempt writes all of it.
        if (!(error instanceof NftError && error.isAbsent && attempt === 0)) throw error;
        continue;
      }
      this.#writtenMs = this.#parts.clock.nowMs();
      if (attempt === 0) onWritten?.();
      const shown = await this.#listing();
      await nextTurn();
      this.#held = { frame, nodes, shown };
      if (touches === this.#touches) return;
    }
  }

  #repaired(): void {
    this.repairs++;
    const who = this.#culprit === undefined ? "" : `: ${changerText(this.#culprit)}`;
    this.#culprit = undefined;
    const message = `put back the table that someone deleted or changed${who}`;
    this.#parts.logger.warn({ table: TABLE }, message);
  }

  /** Another hand changed the table: no time is lost by looking. */
  get #isCertain(): boolean {
    if (this.#culprit === undefined) return false;
    const isProcess = this.#culprit.portId <= MAXIMUM_PROCESS_ID;
    return isProcess || this.#parts.clock.nowMs() - this.#writtenMs > ECHO_MS;
  }

  /** The table as it is; `undefined` when there is none. */
  async #listing(): Promise<string | undefined> {
    try {
      return await this.#parts.nft.list("-s", "-p", "list", "table", ...TABLE.split(" "));
    } catch (error) {
      if (error instanceof NftError && error.isAbsent) return undefined;
      throw error;
    }
  }
}

/** What a socket has been told is read by then. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}
