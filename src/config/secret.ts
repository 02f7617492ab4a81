import { createHash, randomBytes } from "node:crypto";
import { inspect } from "node:util";

/** What stands for a secret wherever the configuration is shown. */
export const hiddenText = "<hidden>";

const salt = randomBytes(16);

/** A text that no log, no `config show` and no JSON gets to see: whoever needs it, asks for it by `reveal`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  /** The same for equal secrets while the process lives, and tells nothing of them. */
  get fingerprint(): string {
    return createHash("sha256").update(salt).update(this.#text).digest("hex").slice(0, 12);
  }

  toString(): string {
    return hiddenText;
  }

  toJSON(): string {
    return hiddenText;
  }

  [inspect.custom](): string {
    return hiddenText;
  }
}
