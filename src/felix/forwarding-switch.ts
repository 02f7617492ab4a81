import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { Contest, contested } from "./contest.ts";
import type { ForwardingStatus } from "./forwarding.ts";
import type { Problem } from "./problem.ts";
import type { Sysctl } from "./sysctl.ts";

export interface ForwardingSwitchParts {
  readonly sysctl: Sysctl;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The fight with whoever keeps switching it off has rested: it is to be looked at again. */
  readonly onRested: () => void;
}

export interface ForwardingSetting {
  /** A path under /proc/sys. */
  readonly key: string;
  /** `IPv4 forwarding`. */
  readonly what: string;
  /** It goes with its link, which may be gone before an event tells of that. */
  readonly mayBeGone?: boolean;
  /** What must be done before it is switched on; resolves to what keeps it from being so. */
  readonly prepare?: () => Promise<Problem | undefined>;
}

/**
 * One setting of the kernel's that is to be on. Who switched it off is not known: the kernel tells of no process that
 * writes a setting.
 */
export class ForwardingSwitch {
  readonly #setting: ForwardingSetting;
  readonly #parts: ForwardingSwitchParts;
  readonly #contest: Contest;
  #wasOn = false;
  #resting: Timer | undefined;
  #status: ForwardingStatus = { enabled: false, switchedOn: false, problem: undefined };
  /** Times that it was switched on after it had been on. */
  repairs = 0;

  constructor(setting: ForwardingSetting, parts: ForwardingSwitchParts) {
    this.#setting = setting;
    this.#parts = parts;
    this.#contest = new Contest(parts.clock);
  }

  /** As it was when last looked at. */
  get status(): ForwardingStatus {
    return this.#status;
  }

  /** Switches it on where it is off, and says so. Rejects with `NetlinkError` where `prepare` does. */
  async ensure(): Promise<void> {
    const { key, prepare, mayBeGone } = this.#setting;
    const value = await this.#parts.sysctl.read(key);
    if (value === undefined && mayBeGone === true) return;
    if (value !== undefined && Number(value) !== 0) {
      this.#wasOn = true;
      this.#status = { ...this.#status, enabled: true, problem: undefined };
      return;
    }
    if (this.#resting !== undefined) return this.#fail(this.#rivalry());
    const problem = (await prepare?.()) ?? (await this.#write());
    if (problem !== undefined) return this.#fail(problem);
    this.#status = { enabled: true, switchedOn: true, problem: undefined };
    this.#tell();
    this.#wasOn = true;
  }

  stop(): void {
    this.#resting?.cancel();
  }

  get #name(): string {
    return this.#setting.key.replaceAll("/", ".");
  }

  async #write(): Promise<Problem | undefined> {
    const { key, what } = this.#setting;
    try {
      await this.#parts.sysctl.write(key, "1");
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const text = `${what} is off and cannot be switched on: ${reason}`;
      return { errno: undefined, text, remedy: `sysctl -w ${this.#name}=1` };
    }
  }

  /** Says what was done; what had been on is a repair, and too many of those are a fight. */
  #tell(): void {
    const { logger, clock, onRested } = this.#parts;
    const { key, what } = this.#setting;
    const fields = { sysctl: this.#name };
    if (!this.#wasOn) return logger.info(fields, `switched on ${what}`);
    this.repairs++;
    logger.warn(fields, `switched on ${what}, which someone had switched off`);
    if (!this.#contest.repaired(key)) return;
    this.#resting = clock.after(Contest.restMs, () => {
      this.#resting = undefined;
      onRested();
    });
  }

  #rivalry(): Problem {
    const { errno, text } = contested(this.#setting.what);
    return {
      errno,
      text,
      remedy: `find out what sets ${this.#name}, and make it leave that alone`,
    };
  }

  #fail(problem: Problem): void {
    const { text, remedy } = problem;
    if (text !== this.#status.problem?.text) this.#parts.logger.error({ remedy }, text);
    this.#status = { ...this.#status, enabled: false, problem };
  }
}
