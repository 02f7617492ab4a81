import { plain, type Paint, type Tone } from "./paint.ts";

/** A labelled line; further lines of the same label are indented below it. */
export interface Pair {
  readonly label: string;
  readonly lines: readonly string[];
  readonly tone?: Tone | undefined;
}

/** A pair of one label and the lines that are not empty; undefined when none is left. */
export function pair(label: string, lines: readonly string[], tone?: Tone): Pair | undefined {
  const filled = lines.filter((line) => line !== "");
  return filled.length === 0 ? undefined : { label, lines: filled, tone };
}

/** Labels in a column, their text beside them. */
export function formatPairs(pairs: readonly (Pair | undefined)[], paint: Paint = plain): string {
  const present = pairs.filter((entry) => entry !== undefined);
  const width = Math.max(...present.map((entry) => entry.label.length)) + 3;
  return present
    .flatMap(({ label, lines, tone }) =>
      lines.map((line, index) => {
        const margin = (index === 0 ? label : "").padEnd(width);
        return `${paint("faint", margin)}${tone === undefined ? line : paint(tone, line)}\n`;
      }),
    )
    .join("");
}

/** `1 peer`, `3 peers`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
