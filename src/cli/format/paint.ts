import { styleText } from "node:util";

/** What a piece of text is, in colours. */
export type Tone = "good" | "bad" | "doubtful" | "faint" | "strong";

/** Colours text, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

export const plain: Paint = (_tone, text) => text;

const styles = {
  good: "green",
  bad: "red",
  doubtful: "yellow",
  faint: "dim",
  strong: "bold",
} as const;

/** Colours where the stream is a terminal; NO_COLOR and FORCE_COLOR are heeded. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (tone, text) => styleText(styles[tone], text, { stream });
}
