import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("logging-program.ts", import.meta.url));

function start(format: "json" | "pretty", ending: "flush" | "exit" | "flood") {
  return spawn(process.execPath, [program, format, ending], { stdio: ["ignore", "pipe", "pipe"] });
}

async function outputOf(...args: Parameters<typeof start>) {
  const process = start(...args);
  let [stdout, stderr] = ["", ""];
  process.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  process.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(process, "close")) as [number | null];
  return { stdout, stderr, code };
}

for (const ending of ["flush", "exit"] as const) {
  test(`JSON goes to stderr, whole, when the program ends by ${ending}`, async () => {
    const { stdout, stderr, code } = await outputOf("json", ending);
    assert.equal(code, 0);
    assert.equal(stdout, "");
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ level, component, msg }) => [level, component, msg]),
      [
        ["debug", "fsm", "the child follows the level"],
        ["info", "fsm", "secrets"],
        ["error", undefined, "the end"],
      ],
    );
    assert.ok(lines.every(({ node }) => node === "a1"));
    assert.ok(lines.every(({ time }) => !Number.isNaN(Date.parse(String(time)))));
    assert.ok(!stderr.includes("hunter2"));
    assert.match(JSON.stringify(lines[2]?.["err"]), /"message":"boom","stack":/);
  });
}

test("lines for people have the time, the level, the message, and no colours in a pipe", async () => {
  const { stderr } = await outputOf("pretty", "flush");
  assert.match(
    stderr,
    /^\[\d\d:\d\d:\d\d\.\d{3}\] DEBUG: the child follows the level \{.*192\.168\.1\.3/,
  );
  assert.ok(!stderr.includes("hunter2"));
  assert.ok(!stderr.includes("\u001B["));
});

test("a reader that goes away does not end the program, nor keep it from ending", async () => {
  const process = start("json", "flush");
  process.stderr.destroy();
  const [code] = (await once(process, "close")) as [number | null];
  assert.equal(code, 0);
});

test("a reader that does not read stops nothing", async () => {
  const process = start("json", "flood");
  // Never read: the pipe fills up.
  process.stderr.pause();
  let stdout = "";
  process.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  await once(process.stdout, "end");
  const [, turn = "never"] = /after (\d+) ms/.exec(stdout) ?? [];
  assert.ok(Number(turn) < 5000, `${turn} ms`);
  // Only now, so that the end of the program is not what let it go on.
  process.stderr.destroy();
  await once(process, "close");
});
