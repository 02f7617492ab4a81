/** The program as a process, against a daemon of made-up data behind a real unix socket. */
import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { suite, type TestContext, test } from "node:test";
import { PeerAction } from "../../../src/gen/margay/v1/management_pb.ts";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { margayVersion } from "../../../src/api/version.ts";
import { serve, temporaryDirectory } from "../../contract/api-transports.ts";
import { FakeViews, healthyStatus, nodeB } from "../api/fake-views.ts";
import { entry, margay, type Run, startMargay } from "./run-margay.ts";

async function daemon(t: TestContext): Promise<{ views: FakeViews; socket: string }> {
  const views = new FakeViews();
  const socket = join(temporaryDirectory(t), "margay.sock");
  await serve(t, { views, socketPath: socket });
  return { views, socket };
}

const one = { name: "one", text: "the first is wrong", remedy: "" };
const other = { name: "other", text: "the second is wrong", remedy: "" };

/** Lines of a running command's stdout, one at a time. */
function linesOf(t: TestContext, child: ChildProcess): () => Promise<string> {
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.stdout);
  const iterator = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await iterator.next();
    assert.notEqual(done, true, "the command ended");
    return value as string;
  };
}

suite("what commands print", { concurrency: 2, timeout: 240_000 }, () => {
  test("tables on stdout, nothing on stderr", async (t) => {
    const { socket } = await daemon(t);
    const peers = await margay(["peers", "--socket", socket]);
    assert.deepEqual({ code: peers.code, stderr: peers.stderr }, { code: 0, stderr: "" });
    assert.match(
      peers.stdout,
      /^ADDRESS {7}NAME .*\n192\.168\.1\.3 {3}node-b .*\n192\.168\.2\.2 .*\n$/,
    );
    const bare = await margay(["peers", "--no-headers", "-o", "wide", "--socket", socket]);
    assert.match(bare.stdout, /^192\.168\.1\.3 .*41000→192/);
    const status = await margay(["status", "--socket", socket]);
    assert.match(status.stdout, /^node {8}node-a, AS 64512/);
    const peer = await margay(["peer", "node-b", "--socket", socket]);
    assert.match(peer.stdout, /^peer {11}192\.168\.1\.3 port 179 \(node-b\)/);
    const fib = await margay(["fib", "--socket", socket]);
    assert.match(fib.stdout, /10\.233\.3\.0\/24 {3}conflict {4}192\.168\.2\.2 {3}tunl0/);
  });

  test("JSON that parses, with RFC 3339 times and zero values present", async (t) => {
    const { socket } = await daemon(t);
    const of = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await margay([...args, "-o", "json", "--socket", socket])).stdout);
    const status = await of("status");
    assert.equal(status["started"], "2026-11-20T12:00:00Z");
    assert.deepEqual(status["fib"], {
      wanted: 2,
      installed: 1,
      conflicts: 1,
      errors: 0,
      stale: 0,
      frozen: 0,
    });
    const { peers } = (await of("peers")) as { peers: { address: string; flaps: number }[] };
    assert.deepEqual(
      peers.map(({ address, flaps }) => [address, flaps]),
      [
        ["192.168.1.3", 0],
        ["192.168.2.2", 1],
      ],
    );
    const { routes } = (await of("routes")) as {
      routes: { prefix: string; candidates: object[] }[];
    };
    assert.deepEqual(
      routes.map(({ prefix, candidates }) => [prefix, candidates.length]),
      [
        ["10.233.1.0/24", 1],
        ["10.233.2.0/24", 2],
      ],
    );
    const { entries } = (await of("fib")) as { entries: { state: string }[] };
    assert.deepEqual(
      entries.map(({ state }) => state),
      ["installed", "conflict"],
    );
    assert.equal((await of("explain", "10.233.2.7"))["ok"], true);
  });

  test("an empty list is no error, an empty JSON list is one", async (t) => {
    const { socket, views } = await daemon(t);
    views.currentRoutes = [];
    const table = await margay(["routes", "--socket", socket]);
    assert.deepEqual(table, { code: 0, stdout: "", stderr: "The Loc-RIB is empty.\n" });
    views.currentPeers = [];
    const peers = await margay(["peers", "--socket", socket]);
    assert.deepEqual(peers, { code: 0, stdout: "", stderr: "There are no peers.\n" });
    const json = await margay(["routes", "-o", "json", "--socket", socket]);
    assert.deepEqual(JSON.parse(json.stdout), { routes: [] });
  });

  test("a long list comes whole, and a reader that leaves early is no error", async (t) => {
    const { socket, views } = await daemon(t);
    views.currentRoutes = Array.from({ length: 20_000 }, (_, index) => ({
      prefix: `10.${index >> 8}.${index & 255}.0/24`,
      candidates: [{ best: true, peer: "192.0.2.1", status: "best" }],
    }));
    const all = await margay(["routes", "--no-headers", "--socket", socket]);
    assert.equal(all.stdout.split("\n").length, 20_001);
    const json = await margay(["routes", "-o", "json", "--socket", socket]);
    assert.equal((JSON.parse(json.stdout) as { routes: object[] }).routes.length, 20_000);
    const early = startMargay(["routes", "--socket", socket]);
    const stderr: Buffer[] = [];
    early.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    early.stdout?.once("data", () => early.stdout?.destroy());
    const [code] = (await once(early, "close")) as [number];
    assert.deepEqual({ code, stderr: Buffer.concat(stderr).toString() }, { code: 0, stderr: "" });
  });

  test("routes and fib find by prefix, longest match and containment", async (t) => {
    const { socket } = await daemon(t);
    const prefixes = async (...args: string[]): Promise<string[]> => {
      const run = await margay([...args, "--no-headers", "--socket", socket]);
      return [
        ...new Set(
          run.stdout
            .trim()
            .split("\n")
            .map((line) => line.split(" ")[0] as string),
        ),
      ];
    };
    assert.deepEqual(await prefixes("routes", "10.233.2.0/24"), ["10.233.2.0/24"]);
    assert.deepEqual(await prefixes("routes", "10.233.2.77"), ["10.233.2.0/24"]);
    assert.deepEqual(await prefixes("fib", "10.233.0.0/16", "--longer"), [
      "10.233.2.0/24",
      "10.233.3.0/24",
    ]);
  });

  test("the place of the daemon: --host before --socket before MARGAY_HOST before MARGAY_SOCKET", async (t) => {
    const { socket } = await daemon(t);
    const nowhere = `${socket}.none`;
    const code = async (args: string[], environment: Record<string, string> = {}) =>
      (await margay(["status", ...args], environment)).code;
    assert.equal(await code(["--host", `unix:${socket}`, "--socket", nowhere]), 0);
    assert.equal(await code(["--socket", socket], { MARGAY_HOST: `unix:${nowhere}` }), 0);
    assert.equal(await code([], { MARGAY_HOST: socket, MARGAY_SOCKET: nowhere }), 0);
    assert.equal(await code([], { MARGAY_SOCKET: socket }), 0);
    assert.equal(await code(["--socket", nowhere], { MARGAY_SOCKET: socket }), 4);
  });
});

suite("watching", { concurrency: 2, timeout: 240_000 }, () => {
  test("watch tells events line by line; SIGINT ends it with 130", async (t) => {
    const { socket, views } = await daemon(t);
    const child = startMargay(["watch", "peers", "--socket", socket]);
    const line = linesOf(t, child);
    await views.subscribed();
    const time = timestampFromDate(new Date("2026-11-20T14:03:09.120Z"));
    views.tell({ time, change: { case: "fib", value: { removed: true } } });
    views.tell({
      time,
      change: { case: "peer", value: { peer: nodeB, previousState: "OpenConfirm" } },
    });
    assert.equal(
      await line(),
      "14:03:09.120   peer     node-b (192.168.1.3) OpenConfirm → Established",
    );
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "close"), [130, null]);
  });

  test("watch -o json is JSON Lines", async (t) => {
    const { socket, views } = await daemon(t);
    const line = linesOf(t, startMargay(["watch", "-o", "json", "--socket", socket]));
    await views.subscribed();
    views.tell({ change: { case: "route", value: { prefix: "10.1.0.0/16" } } });
    views.tell({
      change: { case: "config", value: { config: { file: "n.yaml", lastReloadOk: true } } },
    });
    assert.deepEqual(JSON.parse(await line()), { route: { prefix: "10.1.0.0/16" } });
    assert.equal(
      (JSON.parse(await line()) as { config: { config: { file: string } } }).config.config.file,
      "n.yaml",
    );
  });

  test("peers -w prints the list and then what changes, in the same columns", async (t) => {
    const { socket, views } = await daemon(t);
    const line = linesOf(t, startMargay(["peers", "-w", "--socket", socket]));
    const header = await line();
    await line();
    await line();
    views.tell({
      change: { case: "peer", value: { peer: { ...(nodeB as object), state: "Idle" } } },
    });
    const changed = await line();
    assert.equal(changed.indexOf("Idle"), header.indexOf("STATE"));
    views.tell({ change: { case: "peer", value: { peer: nodeB, removed: true } } });
    assert.match(await line(), /^192\.168\.1\.3 {3}node-b {3}64512 {3}removed/);
  });

  test("routes PREFIX -w -o json: every line an event, and only of that prefix", async (t) => {
    const { socket, views } = await daemon(t);
    const args = ["routes", "10.233.2.0/24", "-w", "-o", "json", "--socket", socket];
    const line = linesOf(t, startMargay(args));
    interface RouteLine {
      time: string;
      route: { prefix: string; best?: { nextHop: string } };
    }
    const first = JSON.parse(await line()) as RouteLine;
    assert.equal(first.route.best?.nextHop, "192.168.1.3");
    assert.match(first.time, /^\d{4}-\d\d-\d\dT/);
    await views.subscribed();
    for (const prefix of ["10.233.1.0/24", "10.233.2.0/24"]) {
      views.tell({ change: { case: "route", value: { prefix } } });
    }
    const second = JSON.parse(await line()) as RouteLine;
    assert.deepEqual(second.route, { prefix: "10.233.2.0/24" });
  });

  test("the end of the daemon ends a watch with 4", async (t) => {
    const views = new FakeViews();
    const socket = join(temporaryDirectory(t), "margay.sock");
    const server = await serve(t, { views, socketPath: socket });
    const ended = margay(["watch", "--socket", socket]);
    await views.subscribed();
    await server.close();
    const { code, stderr } = await ended;
    assert.equal(code, 4);
    assert.match(stderr, /^margay: The connection to the daemon is gone: the daemon stops\./);
  });
});

suite("exit codes", { concurrency: 2, timeout: 240_000 }, () => {
  const expect = (run: Run, code: number, stderr: RegExp): void => {
    assert.match(run.stderr, stderr);
    assert.equal(run.code, code);
    assert.equal(run.stdout, "");
  };

  test("status --check: 0 when healthy, 1 with the reasons when not", async (t) => {
    const { socket, views } = await daemon(t);
    const sick = await margay(["status", "--check", "--socket", socket]);
    assert.equal(sick.code, 1);
    assert.match(
      sick.stdout,
      /^unhealthy: 1 peer is not Established \(1 Active\)\nunhealthy: 1 prefix held/,
    );
    assert.equal((await margay(["status", "--check", "-o", "json", "--socket", socket])).code, 1);
    assert.equal((await margay(["status", "--socket", socket])).code, 0);
    views.currentStatus = healthyStatus;
    const well = await margay(["status", "--check", "--socket", socket]);
    assert.deepEqual(well, {
      code: 0,
      stdout: "healthy: 2 peers Established, 2 routes\n",
      stderr: "",
    });
  });

  test("status of a node in two processes: a page of each, and what is wrong with either", async (t) => {
    const { socket, views } = await daemon(t);
    const programmer = new FakeViews();
    const felixSocket = join(dirname(socket), "felix.sock");
    await serve(t, { views: programmer, socketPath: felixSocket });
    const healthy = healthyStatus as object;
    views.currentStatus = { ...healthy, role: "speaker", warnings: [one, other] };
    programmer.currentStatus = {
      ...{ ...healthy, role: "felix", peerStates: [], listenAddresses: [] },
      ...{ warnings: [one], routes: 5 },
    };
    const { stdout } = await margay(["status", "--socket", socket]);
    const [speaker = "", felix = "", ...rest] = stdout.split("\n\n");
    assert.deepEqual(rest, []);
    assert.match(speaker, /^speaker .*\n(.*\n)*peers +2: 2 Established\n/);
    assert.doesNotMatch(speaker, /fib|kernel|the first is wrong/);
    assert.match(speaker, /\nwarning +the second is wrong/);
    assert.match(felix, /^felix .*\n(.*\n)*routes +5 prefixes told by the speaker\n/);
    assert.match(felix, /\nfib +2 wanted, 2 installed\n(.*\n)*warning +the first is wrong/);
    assert.doesNotMatch(felix, /peers|listening/);
    const check = await margay(["status", "--check", "--socket", socket]);
    assert.equal(check.code, 1);
    assert.equal(check.stdout, "unhealthy: the first is wrong\nunhealthy: the second is wrong\n");
    const alone = await margay(["status", "--socket", felixSocket]);
    assert.match(alone.stdout, /^felix /);
    assert.ok(!alone.stdout.includes("\n\n"));
  });

  test("fib confirm says how many routes went", async (t) => {
    const { views, socket } = await daemon(t);
    const confirm = (...words: string[]) =>
      margay(["fib", "confirm", ...words, "--socket", socket]);
    views.frozenRemovals = 12;
    assert.equal((await confirm()).stdout, "12 removed.\n");
    assert.equal((await confirm()).stdout, "No removal waits to be confirmed.\n");
    assert.deepEqual(JSON.parse((await confirm("-o", "json")).stdout), { routes: 0 });
  });

  test("explain: 0 reached, 1 broken, 3 unknown, 2 no address", async (t) => {
    const { socket } = await daemon(t);
    const explain = (address: string) => margay(["explain", address, "--socket", socket]);
    const reached = await explain("10.233.2.7");
    assert.equal(reached.code, 0);
    assert.match(reached.stdout, /^10\.233\.2\.7 in 10\.233\.2\.0\/24\n✓ session {3}Established/);
    const broken = await explain("10.233.2.8");
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /✗ kernel {4}protocol bird holds the prefix\n {12}→ stop bird\n/);
    assert.equal((await explain("192.0.2.1")).code, 3);
    expect(await explain("node-b"), 2, /"node-b" is not an address/);
  });

  test("an order to a peer: done, or what is wrong with it", async (t) => {
    const { socket, views } = await daemon(t);
    const peer = (...args: string[]): Promise<Run> =>
      margay(["peer", "node-b", ...args, "--socket", socket]);
    assert.deepEqual(await peer("disable", "--message", "back at noon"), {
      code: 0,
      stdout: "node-b (192.168.1.3) is disabled\n",
      stderr: "",
    });
    const json = await peer("soft-out", "-o", "json");
    assert.equal((JSON.parse(json.stdout) as { address: string }).address, "192.168.1.3");
    assert.deepEqual(
      views.orders.map(({ action, message }) => [action, message]),
      [
        [PeerAction.DISABLE, "back at noon"],
        [PeerAction.SOFT_OUT, ""],
      ],
    );
    views.undone = "not reset, as it is held down: disabled by the operator";
    const line = `margay: node-b (192.168.1.3): ${views.undone}\n`;
    assert.deepEqual(await peer("reset"), { code: 0, stdout: "", stderr: line });
    const quiet = await peer("reset", "-o", "json");
    assert.equal(quiet.stderr, line);
    assert.equal((JSON.parse(quiet.stdout) as { address: string }).address, "192.168.1.3");
    expect(await peer("explode"), 2, /action/);
    expect(await peer("soft-in", "--message", "hello"), 2, /with disable and reset only/);
    expect(await peer("--message", "hello"), 2, /--message goes with disable and reset/);
  });

  test("3: no such peer, no such route", async (t) => {
    const { socket } = await daemon(t);
    expect(
      await margay(["peer", "192.0.2.99", "--socket", socket]),
      3,
      /No peer has the address or name/,
    );
    const route = await margay(["routes", "172.16.0.0/12", "--socket", socket]);
    assert.equal(route.code, 3);
    assert.equal(route.stderr, "No route matches 172.16.0.0/12.\n");
  });

  test("4: no daemon, in one sentence that says what to do", async (t) => {
    const socket = join(temporaryDirectory(t), "none.sock");
    const run = await margay(["peers", "--socket", socket]);
    expect(
      run,
      4,
      /^margay: No daemon answers at unix:.*none\.sock\. Start one with "margay node --config FILE"/,
    );
    assert.equal(run.stderr.trim().split("\n").length, 1);
  });

  test("5: something that refuses us", async (t) => {
    const refusing = createServer((socket) =>
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"),
    ).listen(0, "127.0.0.1");
    await once(refusing, "listening");
    t.after(() => refusing.close());
    const { port } = refusing.address() as { port: number };
    expect(
      await margay(["status", "--host", `ws://127.0.0.1:${port}`]),
      5,
      /refused the connection: HTTP 403/,
    );
  });

  test("6: a daemon that does not answer in time", async (t) => {
    const { socket, views } = await daemon(t);
    views.explainAnswers = false;
    const run = await margay(["explain", "10.233.2.7", "--timeout", "1", "--socket", socket]);
    expect(run, 6, /within 1000 ms\. It may be overloaded/);
  });

  const mistakes = [
    [[], /^margay: Which command\?/],
    [["pers"], /There is no command "pers"; did you mean "peers"\?/],
    [["peers", "--no-header"], /no option --no-header; did you mean --no-headers\?/],
    [["peers", "-o", "yml"], /--output takes table, wide, json, not "yml"/],
    [["peer"], /An argument is missing/],
    [["routes", "10.0.0.1/8"], /did you mean 10\.0\.0\.0\/8\?\n$/],
    [["routes", "--longer", "--exact", "10.0.0.0/8"], /exclude each other/],
    [["status", "--timeout", "soon"], /--timeout takes a whole number from 1 to 3600, not "soon"/],
    [["status", "--host", "http://127.0.0.1"], /is no place of a daemon/],
    [["reflector", "--asn", "64512"], /Missing: --listen, --router-id, --accept/],
    [["config", "check"], /config check takes a FILE/],
    [["completion", "tcsh"], /shell takes bash, zsh, fish, not "tcsh"/],
  ] as const;
  test("2: mistakes on the command line", async () => {
    const runs = mistakes.map(async ([args, stderr]) => expect(await margay(args), 2, stderr));
    await Promise.all(runs);
  });
});

suite("help", () => {
  test("lists every command on stdout, with examples and exit codes", async () => {
    const { code, stdout, stderr } = await margay(["--help"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const verb of [
      "node",
      "reflector",
      "status",
      "peers",
      "peer",
      "routes",
      "fib",
      "watch",
      "explain",
      "plan",
      "cleanup",
      "config",
      "completion",
    ]) {
      assert.match(stdout, new RegExp(`margay ${verb}[ \\n]`), verb);
    }
    assert.match(stdout, /Exit codes: 0 ok/);
    const own = await margay(["routes", "--help"]);
    assert.match(own.stdout, /margay routes 10\.233\.0\.0\/16 --longer/);
  });

  test("the version is the package's", async () => {
    assert.equal((await margay(["--version"])).stdout, `${margayVersion()}\n`);
  });

  test("starts quickly and loads neither the API client nor a daemon", async (t) => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const startMs = performance.now();
      await margay(["--help"]);
      times.push(performance.now() - startMs);
    }
    t.diagnostic(`margay --help: ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    // The best of five: the others tell of the machine's other work. The target is 250 ms, built.
    assert.ok(Math.min(...times) < 500, times.join(", "));
  });

  test("bash completes commands, options and choices with our script", async () => {
    const { stdout: script } = await margay(["completion", "bash"]);
    const complete = (...words: string[]): string[] => {
      const quoted = ["margay", ...words].map((word) => `'${word}'`).join(" ");
      const program = `margay() { '${process.execPath}' '${entry}' "$@"; }
        compopt() { :; }
        ${script}
        COMP_WORDS=(${quoted}) COMP_CWORD=${words.length}
        _margay; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
      assert.equal(stderr, "");
      return stdout.trim().split("\n");
    };
    assert.deepEqual(complete("pe"), ["peers", "peer"]);
    assert.deepEqual(complete("routes", "--lo"), ["--longer"]);
    assert.deepEqual(complete("peers", "--output", "w"), ["wide"]);
    assert.deepEqual(complete("completion", "z"), ["zsh"]);
  });

  test("there is a script for each shell", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { code, stdout } = await margay(["completion", shell]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`SHELL=${shell} margay --get-yargs-completions`));
    }
  });
});
