import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

interface SourceFile {
  /** `bgp/rib/loc-rib.ts` */
  readonly path: string;
  /** The first folder; the file's own name where it stands in none. */
  readonly room: string;
  /** Without comments, and with the text of strings left out. */
  readonly code: string;
  readonly lines: number;
  /** As written: `node:fs`, `ws`, or a path from `src/`. */
  readonly imports: readonly string[];
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  const imports = [...bare.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, name]) =>
    name?.startsWith(".") === true
      ? relative(root, join(root, dirname(path), name))
      : (name as string),
  );
  return {
    path,
    room: roomOf(path),
    code: bare.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""'),
    lines: bare.split("\n").filter((line) => line.trim() !== "").length,
    imports,
  };
}

function roomOf(path: string): string {
  return path.split("/")[0] as string;
}

const files: readonly SourceFile[] = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .map(read);
const byPath: ReadonlyMap<string, SourceFile> = new Map(files.map((file) => [file.path, file]));

/** What a room may import; DESIGN's table, downward only. `platform` has the ports to the outside, `gen` the API's schema. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["bgp", "net", "platform", "recording", "session"],
  cli: ["agent", "api", "bgp", "capture", "config", "felix", "gen", "net", "netlink", "platform"],
  agent: [
    "api",
    "bgp",
    "cluster",
    "config",
    "felix",
    "gen",
    "net",
    "netlink",
    "platform",
    "recording",
    "session",
    "topology",
  ],
  api: ["gen", "net", "platform"],
  session: ["bgp", "net", "platform"],
  recording: ["bgp", "net", "wire"],
  felix: ["fib", "net", "netlink", "platform"],
  cluster: ["config", "net", "platform"],
  topology: ["net"],
  capture: ["bgp", "net", "wire"],
  bgp: ["net", "wire"],
  fib: ["net"],
  netlink: ["net", "wire"],
  config: ["net"],
  platform: ["net"],
  net: [],
  wire: [],
  gen: [],
};

/** Files that may be imported from anywhere below their room, and why. */
const exceptions: readonly { from: string; to: string; why: string }[] = [
  {
    from: "config",
    to: "cluster/model/",
    why: "the model is pure data, which files are read into",
  },
  {
    from: "topology",
    to: "cluster/model/",
    why: "the model is pure data, from which peers follow",
  },
];

/** Parts of the command line that reach further than its API client. */
const cliBeyondTheApi: Readonly<Record<string, readonly string[]>> = {
  agent: [
    "cli/commands/felix.ts",
    "cli/commands/node.ts",
    "cli/commands/plan.ts",
    "cli/commands/reflector.ts",
    "cli/commands/replay.ts",
    "cli/commands/speaker.ts",
    "cli/format/replayed.ts",
    "cli/node-daemon.ts",
  ],
  bgp: ["cli/format/decoded.ts"],
  capture: ["cli/commands/decode.ts", "cli/capture-input.ts", "cli/format/decoded.ts"],
  felix: ["cli/commands/cleanup.ts", "cli/commands/plan.ts"],
  netlink: ["cli/commands/cleanup.ts", "cli/commands/plan.ts"],
};

/** Pure: nothing but their arguments decides what these do. */
const pureRooms = ["net", "wire", "bgp", "capture", "recording", "topology", "fib"];
/** The files of `netlink` that do IO. */
const netlinkIo = ["socket.ts", "conversation.ts", "kernel-netlink.ts"];

function isPure({ path, room }: SourceFile): boolean {
  if (room === "netlink") return !netlinkIo.includes(path.slice("netlink/".length));
  return pureRooms.includes(room) || path.startsWith("cluster/model/");
}

const impure =
  /\b(?:Date|setTimeout|setInterval|setImmediate|queueMicrotask|process|Buffer|performance|fetch|globalThis|console|crypto)\b|\bMath\.random\b/;

function isOwn(name: string): boolean {
  return byPath.has(name);
}

describe("the architecture", () => {
  test("is read from all the sources", () => {
    assert.ok(files.length > 100, `${files.length} files`);
    for (const { path, imports } of files) {
      for (const name of imports) {
        const isFile = !name.endsWith(".ts") || isOwn(name) || name.endsWith(".d.ts");
        assert.ok(isFile, `${path} imports ${name}, which is not there`);
      }
    }
  });

  test("has imports go down only", () => {
    const wrong: string[] = [];
    for (const { path, room, imports } of files) {
      const rooms = allowed[room];
      assert.ok(rooms !== undefined, `${room} is in no table`);
      for (const name of imports.filter(isOwn)) {
        const to = roomOf(name);
        if (to === room || rooms.includes(to)) continue;
        if (exceptions.some((one) => one.from === room && name.startsWith(one.to))) continue;
        wrong.push(`${path} imports ${name}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test("is as docs/ARCHITECTURE.md says, where that says it by rooms alone", () => {
    const page = readFileSync(join(root, "../docs/ARCHITECTURE.md"), "utf8");
    const names = (cell = ""): string[] =>
      cell.match(/`[^`]+`/g)?.map((name) => name.slice(1, -1)) ?? [];
    let compared = 0;
    for (const [, first, cell = ""] of page.matchAll(
      /^\| ((?:`\w+`(?:, )?)+) \|.*\| ([^|]*) \|$/gm,
    )) {
      if (!/^(?:–|`[^`]+`(?:, `[^`]+`)*)$/.test(cell)) continue;
      for (const room of names(first)) {
        const beside = exceptions
          .filter(({ from }) => from === room)
          .map(({ to }) => to.slice(0, -1));
        assert.deepEqual(
          names(cell).toSorted(),
          [...(allowed[room] ?? []), ...beside].toSorted(),
          room,
        );
        compared++;
      }
    }
    assert.ok(compared > 10, `${compared} rooms`);
  });

  test("needs every entry of its tables", () => {
    const used = new Set<string>();
    for (const { room, imports } of files) {
      for (const name of imports.filter(isOwn)) used.add(`${room} ${roomOf(name)}`);
    }
    const unused = exceptions.filter(({ from, to }) => !used.has(`${from} ${roomOf(to)}`));
    assert.deepEqual(unused, []);
    for (const [room, paths] of Object.entries(cliBeyondTheApi)) {
      for (const path of paths) {
        const imports = byPath.get(path)?.imports ?? [];
        assert.ok(
          imports.some((name) => roomOf(name) === room),
          `${path} needs no ${room}`,
        );
      }
    }
  });

  test("has the command line talk to the API, but for the daemons, replay, the clean-up, the plan and the decoder", () => {
    for (const { path, room, imports } of files) {
      if (room !== "cli") continue;
      for (const name of imports.filter(isOwn)) {
        const only = cliBeyondTheApi[roomOf(name)];
        assert.ok(only === undefined || only.includes(path), `${path} imports ${name}`);
      }
    }
  });

  test("keeps the pure rooms pure", () => {
    for (const file of files.filter(isPure)) {
      const outside = file.imports.filter((name) => name.startsWith("node:") || name === "koffi");
      assert.deepEqual(outside, [], file.path);
      const found = impure.exec(file.code);
      assert.equal(found, null, `${file.path} uses ${found?.[0]}`);
    }
  });

  test("has no cycle", () => {
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      const at = trail.indexOf(path);
      assert.ok(at < 0, `a cycle: ${[...trail.slice(at), path].join(" → ")}`);
      if (done.has(path)) return;
      for (const name of byPath.get(path)?.imports ?? []) {
        if (isOwn(name)) visit(name, [...trail, path]);
      }
      done.add(path);
    };
    for (const { path } of files) visit(path, []);
  });

  test("has no file of more than 400 lines of code", () => {
    const long = files.filter(({ room, lines }) => room !== "gen" && lines > 400);
    assert.deepEqual(
      long.map(({ path, lines }) => `${path}: ${lines}`),
      [],
    );
  });

  test("leaves AF_NETLINK, sockets and clocks to the one file each", () => {
    const importers = (name: string): string[] =>
      files.filter(({ imports }) => imports.includes(name)).map(({ path }) => path);
    assert.deepEqual(importers("koffi"), [
      "netlink/socket.ts",
      "platform/capabilities.ts",
      "platform/io-uring.ts",
      "platform/linux-socket.ts",
      "platform/startup-memory.ts",
      "platform/v8-threads.ts",
    ]);
    const sockets = importers("node:net").filter((path) => !path.startsWith("api/"));
    assert.deepEqual(sockets, ["platform/node-tcp-connection.ts", "platform/node-tcp.ts"]);
    const random = files.filter(({ code }) => /\bMath\.random\b/.test(code));
    assert.deepEqual(
      random.map(({ path }) => path),
      ["platform/random.ts"],
    );
  });
});
