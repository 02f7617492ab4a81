/** A line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Values of x that are marked; the first and the last are the ends of the axis. */
  readonly xMarks: readonly number[];
}

const width = 760;
const height = 440;
const area = { left: 70, right: 600, top: 48, bottom: 380 };
/** Told apart by most people who see colours differently (Okabe and Ito), and dashed differently besides. */
const colours = ["#777777", "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"];
const dashes = ["2 3", "", "7 3", "1 3", "9 3 2 3", "5 2", "3 3"];
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
/** Between names that would cover each other. */
const lineHeight = 16;

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Maps a logarithmic axis from `low` to `high` onto pixels. */
function logScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const span = Math.log(high / low) || 1;
  return (value) => from + ((to - from) * Math.log(value / low)) / span;
}

/** Powers of ten that enclose all values. */
function decades(values: readonly number[]): readonly number[] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
}

/**
 * Lines over two logarithmic axes, as an SVG document that is drawn the same everywhere: no script, no font but the
 * viewer's sans-serif, a background of its own. All values must be greater than 0.
 * @throws RangeError without a point
 */
export function plot(all: readonly Series[], options: PlotOptions): string {
  const series = all.filter(({ points }) => points.length > 0);
  const values = series.flatMap(({ points }) => points.map(({ y }) => y));
  if (values.length === 0) throw new RangeError("nothing to plot");
  const yMarks = decades(values);
  const x = logScale(
    options.xMarks[0] as number,
    options.xMarks.at(-1) as number,
    area.left,
    area.right,
  );
  const y = logScale(yMarks[0] as number, yMarks.at(-1) as number, area.bottom, area.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escape(options.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(area.left, 24, options.title, 'font-size="15" font-weight="bold"'),
    ...options.xMarks.flatMap((mark) => xMark(x(mark), mark)),
    ...yMarks.flatMap((mark) => yMark(y(mark), mark)),
    text((area.left + area.right) / 2, height - 16, options.xTitle, 'text-anchor="middle"'),
    text(0, 0, options.yTitle, `text-anchor="middle" ${verticalAt(20)}`),
    ...series.flatMap((one, index) => line(one, index, x, y)),
    ...names(series, x, y),
    "</svg>",
    "",
  ].join("\n");
}

function verticalAt(x: number): string {
  return `transform="translate(${x} ${(area.top + area.bottom) / 2}) rotate(-90)"`;
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(words)}</text>`;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#dddddd"/>`;
}

function xMark(x: number, value: number): readonly string[] {
  return [
    rule(x, area.top, x, area.bottom),
    text(x, area.bottom + 18, number.format(value), 'text-anchor="middle"'),
  ];
}

function yMark(y: number, value: number): readonly string[] {
  return [
    rule(area.left, y, area.right, y),
    text(area.left - 8, y + 4, number.format(value), 'text-anchor="end"'),
  ];
}

function colour(index: number): string {
  return colours[index % colours.length] as string;
}

function line(
  { points }: Series,
  index: number,
  x: (value: number) => number,
  y: (value: number) => number,
): readonly string[] {
  const at = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`);
  const dash = dashes[index % dashes.length] as string;
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return [
    `<polyline points="${at.join(" ")}" fill="none" stroke="${colour(index)}" stroke-width="2"${dashed}/>`,
    ...at.map((point) => {
      const [cx, cy] = point.split(",");
      return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour(index)}"/>`;
    }),
  ];
}

/** The names of the lines, each at the end of its line, or as near below it as those of lines that end beside it allow. */
function names(
  series: readonly Series[],
  x: (value: number) => number,
  y: (value: number) => number,
): readonly string[] {
  const ends = series
    .map(({ name, points }, index) => {
      const last = points.at(-1) as Series["points"][number]; // who has none was left out
      return { name, index, x: x(last.x), y: y(last.y) };
    })
    .toSorted((a, b) => a.y - b.y);
  const taken = new Map<number, number>();
  return ends.map((end) => {
    const at = Math.max(end.y, (taken.get(end.x) ?? Number.NEGATIVE_INFINITY) + lineHeight);
    taken.set(end.x, at);
    return text(end.x + 10, at + 4, end.name, `fill="${colour(end.index)}"`);
  });
}
