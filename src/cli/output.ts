import { once } from "node:events";
import { paintFor } from "./format/paint.ts";
import { Table, type Column } from "./format/table.ts";

/** Writes data on stdout; resolves when there is room for more, so that a slow reader holds us back. */
export async function writeOut(text: string): Promise<void> {
  if (text !== "" && !process.stdout.write(text)) await once(process.stdout, "drain");
}

/** A line for people, on stderr: never mixed with data. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A table for stdout, by the options of the command line. */
export function stdoutTable<T>(
  columns: readonly Column<T>[],
  args: { readonly output: string; readonly noHeaders: boolean },
): Table<T> {
  return new Table(columns, {
    wide: args.output === "wide",
    headers: !args.noHeaders,
    terminalColumns: process.stdout.isTTY ? process.stdout.columns : undefined,
    paint: paintFor(process.stdout),
  });
}
