import { styleText } from "node:util";
import type { Cell } from "./convergence.ts";
import { NODES } from "./topology.ts";

const stream = process.stdout;

export const heading = (text: string): void => print(`\n${styleText("bold", text, { stream })}`);
export const note = (text: string): void => print(styleText("dim", text, { stream }));
export const print = (text: string): void => {
  stream.write(`${text.trimEnd()}\n`);
};

const WIDTH = 11;

const line = (first: string, rest: readonly string[]): string =>
  `  ${first.padEnd(18)}${rest.join("")}`;

/** Rows ping, columns answer; a cell says ✔ and the last round trip in milliseconds, or ✘. */
export function pingMatrix(cells: readonly Cell[]): string {
  const header = NODES.map((to) => to.name.padEnd(WIDTH));
  const rows = NODES.map((from) => {
    const columns = NODES.map((to) =>
      cellText(cells.find((cell) => cell.from === from.name && cell.to === to.name)),
    );
    return line(`${from.name} ${from.pod}`, columns);
  });
  return [line("from \\ to", header), ...rows].join("\n");
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return styleText("dim", "·".padEnd(WIDTH), { stream });
  const { last } = cell.pinger;
  if (last === undefined) return styleText("red", "✘".padEnd(WIDTH), { stream });
  const text = `✔ ${last.roundTripMilliseconds.toFixed(last.roundTripMilliseconds < 10 ? 2 : 0)} ms`;
  return styleText("green", text.padEnd(WIDTH), { stream });
}
