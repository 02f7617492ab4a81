import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon } from "../test/support/daemon.ts";
import { type Namespace, Network } from "../test/support/netns.ts";
import { until } from "../test/support/until.ts";
import type { Contender, Place } from "./daemons/daemon.ts";
import { preferSession, withPrecedence } from "./precedence.ts";
import type { Run } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import type { Plan } from "./tester/plan.ts";
import type { Report } from "./tester/report.ts";

const testerProgram = join(import.meta.dirname, "tester/main.ts");
const settleSeconds = 0.5;
const place = { address: "10.0.0.1", port: 1790, asn: 64512, clients: "10.1.0.0/16" } as const;

/** What a tester may take on top of its phases: to encode, to check, to settle. */
const testerSlackSeconds = 60;

/** Measures one daemon in one scenario: alone with the tester in a network namespace of its own, which goes afterwards. */
export async function measure(
  contender: Contender,
  scenario: Scenario,
  timeoutSeconds: number,
): Promise<Run> {
  const startMs = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "margay-bench-"));
  chmodSync(directory, 0o755); // some drop their privileges
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  const network = new Network(`mgbench${process.pid}`);
  let outcome: Pick<Run, "report" | "failure" | "turns">;
  try {
    const namespace = await prepareNamespace(network);
    const settings = { ...place, directory };
    outcome = await runIn(namespace, contender, scenario, settings, timeoutSeconds);
  } catch (error) {
    outcome = { failure: error instanceof Error ? error.message : String(error) };
  } finally {
    await network.destroy();
    remove();
    process.off("exit", remove);
  }
  const wallSeconds = (performance.now() - startMs) / 1000;
  return { daemon: contender.key, scenario: scenario.name, ...outcome, wallSeconds };
}

/** A namespace in which the daemon's address and all the clients' are local, and listen queues may be long. */
async function prepareNamespace(network: Network): Promise<Namespace> {
  const namespace = await network.namespace("run");
  await namespace.ip(
    `address add ${place.address}/32 dev lo`,
    `route add local ${place.clients} dev lo`,
  );
  await namespace.sysctl({ "net.core.somaxconn": 4096, "net.ipv4.tcp_max_syn_backlog": 4096 });
  return namespace;
}

async function runIn(
  namespace: Namespace,
  contender: Contender,
  { steps }: Scenario,
  settings: Place,
  timeoutSeconds: number,
): Promise<Pick<Run, "report" | "turns">> {
  const argv = namespace.inside(withPrecedence(await contender.prepare(settings)));
  const daemon = new Daemon({ argv, logFile: join(settings.directory, "log") });
  preferSession(daemon.pid);
  try {
    await until(`${contender.name} to listen`, () => {
      daemon.assertAlive();
      return listens(daemon.pid, settings.port);
    });
    const { address, port, asn, directory } = settings;
    const { greetingSeconds = 0 } = contender;
    const plan: Plan = {
      ...{ target: { address, port, asn }, pid: daemon.pid, timeoutSeconds, steps },
      ...{ greetingSeconds, settleSeconds },
    };
    const tester = [process.execPath, testerProgram, JSON.stringify(plan)];
    const inside = namespace.inside(withPrecedence(tester));
    const seconds = 4 * timeoutSeconds + testerSlackSeconds;
    const report = await runTester(inside, directory, daemon, seconds);
    const turns = await contender.turns?.(settings);
    return { report, ...(turns !== undefined && { turns }) };
  } finally {
    await daemon.stop();
  }
}

/** Does anybody listen on the port, in the network namespace of that process? */
function listens(pid: number, port: number): boolean {
  const isListening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, "0")} \\S+ 0A `);
  return isListening.test(readFileSync(`/proc/${pid}/net/tcp`, "utf8"));
}

/** @throws Error when the tester fails, takes longer than `seconds`, or the daemon ends before it does */
async function runTester(
  argv: readonly string[],
  directory: string,
  daemon: Daemon,
  seconds: number,
): Promise<Report> {
  const tester = new Daemon({ argv, logFile: join(directory, "tester.log") });
  preferSession(tester.pid);
  const timer = setTimeout(() => void tester.kill(), seconds * 1000);
  void daemon.exited().then(() => tester.kill());
  await tester.exited();
  clearTimeout(timer);
  daemon.assertAlive();
  if (tester.exitCode !== 0) throw new Error(`the tester failed:\n${tester.log().slice(-2000)}`);
  const lastLine = tester.log().trimEnd().split("\n").at(-1) ?? "";
  return JSON.parse(lastLine) as Report; // printed by a program of ours
}
