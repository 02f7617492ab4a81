import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ClusterUpdate } from "../../../src/cluster/cluster-source.ts";
import { FileClusterSource } from "../../../src/cluster/file/file-cluster-source.ts";
import { nodeClock } from "../../../src/platform/node-clock.ts";

const cluster = (...members: string[]): string =>
  `podPools: [10.233.0.0/16]\nmembers:\n${members.map((line) => `  - ${line}\n`).join("")}`;
const a1 = "{ name: a1, address: 192.168.1.2 }";
const a2 = "{ name: a2, address: 192.168.1.3 }";

/** A source on a file of its own, and its updates in order. */
function follow(t: TestContext, path?: (directory: string) => string) {
  const directory = mkdtempSync(join(tmpdir(), "margay-cluster-"));
  const file = path?.(directory) ?? join(directory, "cluster.yaml");
  if (path === undefined) writeFileSync(file, cluster(a1));
  const source = new FileClusterSource(file, { nodeName: "a1", clock: nodeClock });
  const updates: string[] = [];
  let waiting: (() => void) | undefined;
  t.after(async () => {
    await source.stop();
    rmSync(directory, { recursive: true });
  });
  const listener = (update: ClusterUpdate): void => {
    updates.push(summary(update));
    waiting?.();
  };
  const next = async (): Promise<string> => {
    if (updates.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = resolve;
      await promise;
    }
    return updates.shift() ?? assert.fail("woken without an update");
  };
  return { directory, file, source, listener, updates, next };
}

function summary(update: ClusterUpdate): string {
  return "model" in update
    ? update.model.members.map(({ name }) => name).join(" ")
    : update.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
}

test("the cluster is reported before the start settles", async (t) => {
  const { source, listener, updates } = follow(t);
  await source.start(listener);
  assert.deepEqual(updates, ["a1"]);
});

test("a file that is written again is read again", async (t) => {
  const { file, source, listener, next } = follow(t);
  await source.start(listener);
  assert.equal(await next(), "a1");
  writeFileSync(file, cluster(a1, a2));
  assert.equal(await next(), "a1 a2");
});

test("a file that another one replaces is read again, every time", async (t) => {
  const { directory, file, source, listener, next } = follow(t);
  await source.start(listener);
  assert.equal(await next(), "a1");
  for (const members of [[a1, a2], [a1], [a1, a2]]) {
    writeFileSync(join(directory, ".cluster.yaml.swp"), cluster(...members));
    renameSync(join(directory, ".cluster.yaml.swp"), file);
    assert.equal(await next(), members.length === 2 ? "a1 a2" : "a1");
  }
});

test("a ConfigMap's directory is followed through its symbolic links", async (t) => {
  const { directory, source, listener, next } = follow(t, (base) => {
    for (const [version, text] of Object.entries({ one: cluster(a1), two: cluster(a1, a2) })) {
      mkdirSync(join(base, version));
      writeFileSync(join(base, version, "cluster.yaml"), text);
    }
    symlinkSync("one", join(base, "..data"));
    symlinkSync("..data/cluster.yaml", join(base, "cluster.yaml"));
    return join(base, "cluster.yaml");
  });
  await source.start(listener);
  assert.equal(await next(), "a1");
  symlinkSync("two", join(directory, "..data_tmp"));
  renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  assert.equal(await next(), "a1 a2");
});

test("a bad file is reported, and the good one after it", async (t) => {
  const { file, source, listener, next } = follow(t);
  await source.start(listener);
  assert.equal(await next(), "a1");
  writeFileSync(file, cluster(a1, "{ name: a2, adress: 192.168.1.3 }"));
  assert.equal(await next(), 'members[1].adress: unknown key "adress": did you mean "address"?');
  writeFileSync(file, cluster(a1, a2));
  assert.equal(await next(), "a1 a2");
});

test("a file that goes away is a problem, not an empty cluster", async (t) => {
  const { file, source, listener, next } = follow(t);
  await source.start(listener);
  assert.equal(await next(), "a1");
  rmSync(file);
  assert.equal(await next(), ": cannot be read: there is no such file");
});

test("a cluster without this node is a problem, not a wish to withdraw everything", async (t) => {
  const { file, source, listener, next } = follow(t);
  await source.start(listener);
  assert.equal(await next(), "a1");
  writeFileSync(file, cluster(a2));
  assert.match(await next(), /^members: "a1", this node, is not a member any more/);
});

test("a reload reads at once, reports only news, and repeats problems", async (t) => {
  const { file, source, listener, updates } = follow(t);
  await source.start(listener);
  updates.length = 0;
  await source.reload();
  assert.deepEqual(updates, []);
  writeFileSync(file, cluster(a1, a2));
  await source.reload();
  assert.deepEqual(updates.splice(0), ["a1 a2"]);
  writeFileSync(file, "members: []\n");
  await source.reload();
  await source.reload();
  const problem = "podPools: missing: give a list of pod pools";
  assert.deepEqual(updates, [problem, problem]);
});

test("the same model after a problem is news", async (t) => {
  const { file, source, listener, updates } = follow(t);
  await source.start(listener);
  writeFileSync(file, "x");
  await source.reload();
  writeFileSync(file, cluster(a1));
  await source.reload();
  assert.equal(updates.length, 3);
  assert.equal(updates[2], "a1");
});

test("a directory that is not there is reported as both", async (t) => {
  const { source, listener, updates } = follow(t, (base) => join(base, "none", "cluster.yaml"));
  await source.start(listener);
  assert.equal(updates.length, 2);
  assert.match(updates[0] ?? "", /changes are not noticed by themselves \(ENOENT/);
  assert.equal(updates[1], ": cannot be read: there is no such file");
});

test("nothing is reported after the stop", async (t) => {
  const { file, source, listener, updates } = follow(t);
  await source.start(listener);
  writeFileSync(file, cluster(a1, a2));
  await source.stop();
  await source.reload();
  await source.stop();
  assert.deepEqual(updates, ["a1"]);
});
