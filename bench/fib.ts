/**
 * Writing routes into the kernel: margay's programmer against plain C and against BIRD, in the same run, each in a
 * network namespace of its own. Needs root; C needs cc, BIRD needs bird.
 *
 *   node bench/fib.ts [COUNT=100000] [ROUNDS=3]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const count = Number(process.argv[2] ?? "100000");
const rounds = Number(process.argv[3] ?? "3");
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "margay-bench-fib-"));
const [GATEWAY_A, GATEWAY_B] = ["10.9.0.2", "10.9.0.3"];
const parameters = `${count} ${GATEWAY_A} ${GATEWAY_B}`;

interface Result {
  readonly add: number;
  readonly replace: number;
  readonly delete: number;
  readonly blockedMs?: number;
}

function has(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

/** Runs `body` in a fresh namespace with one wire, and removes it. */
async function inNamespace<T>(body: (name: string, ifindex: number) => T | Promise<T>): Promise<T> {
  const name = `mgf-bench-${process.pid}`;
  const ip = (...words: string[]): string => execFileSync("ip", words, { encoding: "utf8" });
  ip("netns", "add", name);
  try {
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    ip("-n", name, "addr", "add", "10.9.0.1/24", "dev", "v0");
    ip("-n", name, "link", "set", "v0", "up");
    ip("-n", name, "link", "set", "v1", "up");
    const links = JSON.parse(ip("-n", name, "-j", "link", "show", "v0")) as { ifindex: number }[];
    return await body(name, links[0]?.ifindex as number);
  } finally {
    ip("netns", "del", name);
  }
}

function parse(output: string): Result {
  const [add, replace, remove, blockedMs] = output.trim().split(" ").map(Number);
  const result = { add, replace, delete: remove } as Result;
  return blockedMs === undefined ? result : { ...result, blockedMs };
}

function floor(): Promise<Result> {
  const binary = join(scratch, "fib-floor");
  execFileSync("cc", ["-O2", "-o", binary, here("./fib-floor.c")]);
  return inNamespace((name, ifindex) =>
    parse(
      execFileSync("ip", `netns exec ${name} ${binary} ${ifindex} ${parameters}`.split(" "), {
        encoding: "utf8",
      }),
    ),
  );
}

function felix(): Promise<Result> {
  return inNamespace((name) =>
    parse(
      execFileSync(
        "ip",
        `netns exec ${name} ${process.execPath} ${here("./fib-felix.ts")} ${parameters}`.split(" "),
        { encoding: "utf8" },
      ),
    ),
  );
}

function birdConfig(gateway: string): string {
  const routes = Array.from({ length: count }, (_, index) => {
    return `  route ${20 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}.0/24 via ${gateway};`;
  });
  return `router id 10.9.0.1;
protocol device { scan time 60; }
protocol kernel { scan time 600; ipv4 { import none; export all; }; }
protocol static pods { disabled; ipv4;
${routes.join("\n")}
}
`;
}

/** BIRD's kernel protocol, fed by enabling and disabling a static protocol; seen to be done by the route count. */
function bird(): Promise<Result> {
  return inNamespace(async (name) => {
    const socket = join(scratch, "bird.ctl");
    const config = join(scratch, "bird.conf");
    writeFileSync(config, birdConfig(GATEWAY_A));
    const child = spawn("ip", ["netns", "exec", name, "bird", "-f", "-c", config, "-s", socket], {
      stdio: "ignore",
    });
    const birdc = (command: string): string =>
      spawnSync("birdc", ["-s", socket, ...command.split(" ")], { encoding: "utf8" }).stdout;
    const until = async (done: () => boolean): Promise<void> => {
      const deadlineMs = performance.now() + 60_000;
      while (!done()) {
        if (performance.now() > deadlineMs) throw new Error("BIRD does not get there");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const empty = kernelPrefixes(name);
    const inKernel = (): number => kernelPrefixes(name) - empty;
    const timed = async (command: string, done: () => boolean): Promise<number> => {
      const fromMs = performance.now();
      birdc(command);
      await until(done);
      return (performance.now() - fromMs) / 1000;
    };
    try {
      await until(() => birdc("show status").includes("up and running"));
      const add = await timed("enable pods", () => inKernel() >= count);
      writeFileSync(config, birdConfig(GATEWAY_B).replace("disabled; ", ""));
      const replace = await timed("configure", () => lastGateway(name) === GATEWAY_B);
      const remove = await timed("disable pods", () => inKernel() === 0);
      return { add, replace, delete: remove };
    } finally {
      child.kill("SIGKILL");
    }
  });
}

/** Prefixes in the namespace's tries, without listing them. */
function kernelPrefixes(name: string): number {
  const { stdout } = spawnSync("ip", ["netns", "exec", name, "cat", "/proc/net/fib_triestat"], {
    encoding: "utf8",
  });
  let prefixes = 0;
  for (const match of stdout.matchAll(/Prefixes:\s+(\d+)/g)) prefixes += Number(match[1]);
  return prefixes;
}

function lastGateway(name: string): string | undefined {
  const last = count - 1;
  const address = `${20 + (last >>> 16)}.${(last >>> 8) & 255}.${last & 255}.1`;
  const { stdout } = spawnSync("ip", ["-n", name, "route", "get", address], { encoding: "utf8" });
  return / via (\S+)/.exec(stdout)?.[1];
}

function best(results: readonly Result[]): Result {
  const least = (of: (result: Result) => number): number => Math.min(...results.map(of));
  const blocked = results.map(({ blockedMs }) => blockedMs ?? 0);
  return {
    add: least((result) => result.add),
    replace: least((result) => result.replace),
    delete: least((result) => result.delete),
    ...(results[0]?.blockedMs === undefined ? {} : { blockedMs: Math.max(...blocked) }),
  };
}

const contenders: (readonly [name: string, run: () => Promise<Result>])[] = [];
if (has("cc")) contenders.push(["C floor", floor]);
contenders.push(["margay", felix]);
if (has("bird") && has("birdc")) contenders.push(["BIRD 2", bird]);

const results = new Map<string, Result[]>();
try {
  // One round of each after the other, so that a busy moment of the machine meets all alike.
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of contenders) {
      results.set(name, [...(results.get(name) ?? []), await run()]);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}

const base = best(results.get("C floor") ?? results.get("margay") ?? []);
const cell = (seconds: number, ofBase: number): string =>
  `${Math.round(count / seconds / 1000)}k/s ${Math.round((100 * ofBase) / seconds)} %`.padStart(16);
console.log(`${count} routes, best of ${rounds}; per cent of the first line's speed`);
console.log(
  `${"".padEnd(10)}${"add".padStart(16)}${"replace".padStart(16)}${"delete".padStart(16)}`,
);
for (const [name, all] of results) {
  const result = best(all);
  const blocked =
    result.blockedMs === undefined ? "" : `   event loop ${result.blockedMs.toFixed(1)} ms at most`;
  console.log(
    name.padEnd(10) +
      cell(result.add, base.add) +
      cell(result.replace, base.replace) +
      cell(result.delete, base.delete) +
      blocked,
  );
}
