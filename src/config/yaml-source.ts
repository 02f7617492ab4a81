import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import type { ConfigPath, ConfigProblem, Place } from "./problem.ts";

/** A YAML file that was read: its value, and where each part of it stands. */
export interface YamlSource {
  readonly file: string;
  /** Plain data; `undefined` when the text is not YAML. */
  readonly value: unknown;
  /** Mistakes of YAML itself. */
  readonly problems: readonly ConfigProblem[];
  /** Where the value at this path stands, or the nearest thing around it that exists. */
  place(path: ConfigPath): Place;
  /** Where the last key of this path stands. */
  keyPlace(path: ConfigPath): Place;
}

/** Reads one YAML document (1.2, core schema). Never throws. */
export function readYaml(file: string, text: string): YamlSource {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  const locate = (path: ConfigPath, key: boolean): Place =>
    placeAt(offsetOf(document, path, key) ?? 0);
  const problems = document.errors.map(
    (error): ConfigProblem => ({
      ...placeAt(error.pos[0]),
      severity: "error",
      path: "",
      message: yamlMessage(error.code, error.message),
    }),
  );
  const value = problems.length === 0 ? toPlain(document, file, problems) : undefined;
  return {
    file,
    value,
    problems,
    place: (path) => locate(path, false),
    keyPlace: (path) => locate(path, true),
  };
}

function toPlain(document: Document, file: string, problems: ConfigProblem[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    problems.push({ file, line: 1, column: 1, severity: "error", path: "", message });
    return undefined;
  }
}

function yamlMessage(code: string, message: string): string {
  if (code === "DUPLICATE_KEY")
    return "this key stands twice in its mapping: remove one of the two";
  if (code === "TAB_AS_INDENT") return "a tab indents this line: use spaces";
  if (code === "MULTIPLE_DOCS") return "a second document starts here: keep one, without `---`";
  return `not YAML: ${message}`;
}

/** Offset of the value at `path` (or of its key), falling back to the nearest node on the way there. */
function offsetOf(document: Document, path: ConfigPath, wantKey: boolean): number | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [index, step] of path.entries()) {
    const holder: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(holder) && typeof step === "number") {
      node = holder.items[step];
    } else if (isMap(holder)) {
      const pair = holder.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) return offset;
      const keyOffset = startOf(pair.key);
      if (wantKey && index === path.length - 1) return keyOffset;
      offset = keyOffset ?? offset;
      node = pair.value;
    } else {
      return offset;
    }
    // An empty value has no text of its own: its key stands for it.
    if (!(isScalar(node) && node.value === null)) offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
