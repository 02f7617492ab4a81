import { type Paint, plain, type Tone } from "./paint.ts";

const GAP = "   ";
const ELLIPSIS = "…";

/** One column of a table over items of type T. */
export interface Column<T> {
  /** Upper case, without spaces, so that `awk '{print $3}'` finds it. */
  readonly header: string;
  /** Empty text shows as "-". */
  readonly value: (item: T) => string;
  readonly tone?: (item: T) => Tone | undefined;
  readonly align?: "right";
  /** Shown with `-o wide` only. */
  readonly wide?: true;
}

export interface TableOptions {
  /** With the columns marked wide, and nothing cut short. */
  readonly wide: boolean;
  readonly headers: boolean;
  /** Columns of the terminal: the last cell of a line is cut to fit. Undefined: not a terminal. */
  readonly terminalColumns?: number | undefined;
  readonly paint?: Paint;
}

/** Prints rows in aligned columns, kubectl's way: no boxes, a wide gap, a header in capitals. */
export class Table<T> {
  readonly #columns: readonly Column<T>[];
  readonly #options: TableOptions;
  #widths: number[] | undefined;

  constructor(columns: readonly Column<T>[], options: TableOptions) {
    this.#columns = columns.filter((column) => options.wide || column.wide !== true);
    this.#options = options;
  }

  /**
   * The lines for these items, with the header at the first call. The first items set the widths, so that a long table
   * can be printed while it comes; wider cells later push their own line out.
   */
  lines(items: readonly T[]): string {
    const cells = items.map((item) => this.#columns.map((column) => column.value(item) || "-"));
    const isFirst = this.#widths === undefined;
    this.#widths ??= this.#measure(cells);
    const widths = this.#widths;
    const rows = cells.map((row, index) =>
      this.#line(row, widths, (column) => column.tone?.(items[index] as T)),
    );
    if (isFirst && this.#options.headers) {
      const header = this.#columns.map((column) => column.header);
      rows.unshift(this.#line(header, widths, () => undefined));
    }
    return rows.map((row) => `${row}\n`).join("");
  }

  #measure(cells: readonly string[][]): number[] {
    return this.#columns.map((column, index) => {
      const header = this.#options.headers ? column.header.length : 0;
      return cells.reduce((width, row) => Math.max(width, (row[index] as string).length), header);
    });
  }

  #line(
    cells: readonly string[],
    widths: readonly number[],
    toneOf: (column: Column<T>) => Tone | undefined,
  ): string {
    const { paint = plain } = this.#options;
    let line = "";
    let used = 0;
    this.#columns.forEach((column, index) => {
      const isLast = index === this.#columns.length - 1;
      const text = isLast ? this.#cut(cells[index] as string, used) : (cells[index] as string);
      const width = isLast && column.align !== "right" ? 0 : (widths[index] as number);
      const tone = toneOf(column);
      const padding = " ".repeat(Math.max(0, width - text.length));
      const painted = tone === undefined ? text : paint(tone, text);
      line += column.align === "right" ? padding + painted : painted + padding;
      if (!isLast) line += GAP;
      used += Math.max(width, text.length) + GAP.length;
    });
    return line;
  }

  #cut(text: string, used: number): string {
    const { terminalColumns, wide } = this.#options;
    if (terminalColumns === undefined || wide) return text;
    const room = Math.max(10, terminalColumns - used);
    return text.length <= room ? text : text.slice(0, room - 1) + ELLIPSIS;
  }
}
