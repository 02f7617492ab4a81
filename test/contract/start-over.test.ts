import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./start-over-program.ts", import.meta.url));
const bits: Readonly<Record<string, number>> = {
  ...{ DAC_READ_SEARCH: 2, NET_BIND_SERVICE: 10, NET_ADMIN: 12, SYS_TIME: 25 },
};
const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : "only root has capabilities to give up";
const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

interface Outcome {
  readonly pid: number;
  readonly execArgv: readonly string[];
  readonly isMarked: boolean;
  /** /proc/PID/status of the process, and of a child of it. */
  readonly status: string;
  readonly child: string;
}

/** What becomes of a process that starts with these arguments. */
async function started(words: readonly string[], by: readonly string[] = []): Promise<Outcome> {
  const [command = "", ...rest] = [...by, process.execPath, PROGRAM, ...words];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, said);
  const outcome = JSON.parse(said) as Outcome;
  assert.equal(outcome.pid, child.pid);
  assert.equal(outcome.isMarked, false);
  return outcome;
}

function setOf(status: string, name: string): bigint {
  return BigInt(`0x${new RegExp(`^Cap${name}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1]}`);
}

function sets(status: string): Record<string, bigint> {
  const names = ["Inh", "Prm", "Eff", "Bnd", "Amb"];
  return Object.fromEntries(names.map((name) => [name, setOf(status, name)]));
}

/** As many of these as this process has itself. */
function ofMine(...names: string[]): bigint {
  const mine = setOf(readFileSync("/proc/self/status", "utf8"), "Prm");
  return mine & names.reduce((mask, name) => mask | (1n << BigInt(bits[name] as number)), 0n);
}

describe("a daemon's start", () => {
  for (const [verb, names, isSmall] of [
    ["node", ["NET_ADMIN", "NET_BIND_SERVICE"], true],
    ["felix", ["NET_ADMIN"], true],
    ["speaker", ["NET_BIND_SERVICE"], false],
    ["reflector", ["NET_BIND_SERVICE"], false],
  ] as const) {
    test(`leaves ${verb} and its children ${names.join(" and ")} alone`, { skip }, async () => {
      const { status, child, execArgv } = await started([verb, "--config", "/nonexistent"]);
      const kept = ofMine(...names);
      assert.deepEqual(sets(status), { Inh: 0n, Prm: kept, Eff: kept, Bnd: kept, Amb: 0n });
      assert.deepEqual(sets(child), sets(status));
      for (const flag of ["--max-semi-space-size=4", "--v8-pool-size=1"]) {
        assert.equal(execArgv.includes(flag), isSmall);
      }
    });
  }

  test("takes nothing from other commands", async () => {
    const { status, execArgv } = await started(["status"]);
    assert.deepEqual(sets(status), sets(readFileSync("/proc/self/status", "utf8")));
    assert.deepEqual(execArgv, []);
  });

  test("has nothing to take from an ordinary user", { skip }, async () => {
    const { status, execArgv } = await started(["speaker"], nobody);
    assert.equal(setOf(status, "Prm"), 0n);
    assert.deepEqual(execArgv, []);
    const small = await started(["node"], nobody);
    assert.deepEqual(small.execArgv, ["--max-semi-space-size=4", "--v8-pool-size=1"]);
  });

  test("takes from an ordinary user what systemd may have given too much of", {
    skip,
  }, async () => {
    const given = "+net_admin,+net_bind_service,+sys_time";
    const by = [...nobody, `--inh-caps=${given}`, `--ambient-caps=${given}`];
    const { status, child } = await started(["felix"], by);
    const kept = ofMine("NET_ADMIN");
    const { Bnd: _, ...own } = sets(status);
    assert.deepEqual(own, { Inh: kept, Prm: kept, Eff: kept, Amb: kept });
    assert.deepEqual(sets(child), sets(status));
  });

  test("leaves the right to read where files on the command line are others' own", {
    skip,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "margay-start-"));
    try {
      const file = join(directory, "node.yaml");
      writeFileSync(file, "");
      chmodSync(file, 0o600);
      chownSync(file, 65534, 65534);
      for (const words of [[`--config=${file}`], ["--config", file]]) {
        const { status } = await started(["felix", ...words]);
        assert.equal(setOf(status, "Eff"), ofMine("NET_ADMIN", "DAC_READ_SEARCH"));
      }
      chmodSync(file, 0o644);
      const { status } = await started(["felix", "--config", file]);
      assert.equal(setOf(status, "Eff"), ofMine("NET_ADMIN"));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
