import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8");
const files = globSync("src/**/*.ts", { cwd: root });

/** Rooms that are generated, or only declare the types of others' code: everybody may import them, they import nobody. */
const foundations = new Set(["gen", "types"]);

/** No IO, no time, no chance, but what is handed in. Of netlink the packets are so, not the conversation with the kernel. */
const pure = [
  /^src\/(net|wire|bgp|topology|fib|cluster\/model)\//,
  /^src\/netlink\/(address|attribute|constants|errno|event-filter|link|message|route|route-request)\.ts$/,
];
const impure =
  /\b(Date|Math\.random|performance|Buffer|queueMicrotask)\b|\bset(Timeout|Interval|Immediate)\(|(?<![-.#\w])process\./;

const namesIn = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

/** The table of docs/ARCHITECTURE.md: room → rooms that it may import. */
function rulesOf(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const rows = [...text.matchAll(/^\| (`.+?) \| .+ \| (.+) \|$/gm)];
  const cells = rows.map(([, rooms = "", may = ""]) => ({ rooms: namesIn(rooms), may }));
  const all = cells.flatMap(({ rooms }) => rooms);
  return new Map(
    cells.flatMap(({ rooms, may }) => {
      const named = new Set(namesIn(may));
      const allowed = may.startsWith("all but ")
        ? new Set(all.filter((room) => !named.has(room)))
        : named;
      return rooms.map((room) => [room, allowed] as const);
    }),
  );
}

/** `src/cluster/model/x.ts` is in `cluster/model`, which others may import without `cluster`. */
function roomOf(path: string): string {
  if (path.startsWith("src/cluster/model/")) return "cluster/model";
  return path.split("/")[1] ?? "";
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  const found = text.matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g);
  return [...found].map(([, name = ""]) => name);
}

/** Files of ours that a file imports. */
function targetsOf(path: string): string[] {
  const own = importsOf(path).filter((name) => name.startsWith("."));
  return own.map((name) => normalize(join(dirname(path), name)));
}

const codeOf = (path: string): string =>
  readFileSync(join(root, path), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");

describe("docs/ARCHITECTURE.md", () => {
  const rules = rulesOf(page);
  const rooms = new Set(files.filter((path) => path !== "src/index.ts").map(roomOf));

  test("has a row for every room, and no other", () => {
    const expected = [...rooms].filter(
      (room) => !foundations.has(room) && room !== "cluster/model",
    );
    assert.deepEqual([...rules.keys()].toSorted(), expected.toSorted());
  });

  const mayImport = (room: string, other: string): boolean => {
    if (other === room || foundations.has(other)) return true;
    // The model is the vocabulary of all who speak of clusters, and knows no more than addresses.
    if (room === "cluster/model") return other === "net";
    const allowed = rules.get(room);
    if (other !== "cluster/model") return allowed?.has(other) === true;
    return room === "cluster" || allowed?.has("cluster") === true || allowed?.has(other) === true;
  };

  for (const room of rooms) {
    test(`is what the imports of ${room} are held to`, () => {
      const wrong = files
        .filter((path) => path !== "src/index.ts" && roomOf(path) === room)
        .flatMap((path) =>
          targetsOf(path)
            .filter((target) => !mayImport(room, roomOf(target)))
            .map((target) => `${path} imports ${target}`),
        );
      assert.deepEqual(wrong, []);
    });
  }
});

describe("pure rooms", () => {
  const inPureRooms = files.filter((path) => pure.some((pattern) => pattern.test(path)));

  test("import nothing of Node", () => {
    assert.ok(inPureRooms.length > 80);
    const wrong = inPureRooms.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith("node:"))
        .map((name) => `${path} imports ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("know no time, no timers, no chance and no process", () => {
    const wrong = inPureRooms.flatMap((path) => {
      const found = impure.exec(codeOf(path));
      return found === null ? [] : [`${path}: ${found[0]}`];
    });
    assert.deepEqual(wrong, []);
  });
});

test("one file opens netlink sockets, one judges operator input by ip-cidr", () => {
  const importers = (name: string): string[] =>
    files.filter((path) => importsOf(path).includes(name));
  assert.deepEqual(importers("koffi"), ["src/netlink/socket.ts"]);
  assert.deepEqual(importers("ip-cidr"), ["src/net/cidr.ts"]);
});
