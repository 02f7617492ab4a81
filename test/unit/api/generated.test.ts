import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function buf(...args: string[]): void {
  const bin = join(root, "node_modules/.bin");
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
  const { status, stdout, stderr } = spawnSync(join(bin, "buf"), args, {
    cwd: root,
    env,
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
}

function files(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return new Map(
    names
      .filter((name) => name.endsWith(".ts"))
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
}

test("src/gen is what `npm run generate` makes of proto/", (t) => {
  const output = mkdtempSync(join(tmpdir(), "margay-gen-"));
  t.after(() => rmSync(output, { recursive: true, force: true }));
  buf("generate", "--output", output);
  const fresh = files(join(output, "src/gen"));
  const committed = files(join(root, "src/gen"));
  assert.ok(fresh.size > 0);
  assert.deepEqual([...committed.keys()], [...fresh.keys()]);
  for (const [name, text] of fresh)
    assert.equal(committed.get(name), text, `${name} is out of date`);
});

test("proto/ passes buf's lint", () => buf("lint"));
