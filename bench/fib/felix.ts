/**
 * The routes of bench/fib.ts, wanted of a Felix in the namespace this is started in: prints as JSON the seconds for each
 * phase, and the longest time that the event loop stood still in it.
 *
 *   node felix.ts COUNT GATEWAY_A GATEWAY_B never|auto
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { warmUpProgrammer } from "../../src/agent/warm-up.ts";
import { Felix } from "../../src/felix/felix.ts";
import { procSysctl } from "../../src/felix/sysctl.ts";
import { type Prefix, prefixFromOctets } from "../../src/net/prefix.ts";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { releaseStartupMemory } from "../../src/platform/startup-memory.ts";
import { haveV8ThreadsGiveWay } from "../../src/platform/v8-threads.ts";
import type { Outcome, Phase } from "./outcome.ts";

const [countText, gatewayA = "", gatewayB = "", choice] = process.argv.slice(2);
const count = Number(countText);
/** As the speaker does: what one turn of its loop has decided is handed over, then the loop turns. */
const PER_TURN = 1000;
/** What a timer of one millisecond is late by anyway. */
const RESOLUTION_MS = 1;

const felix = new Felix({
  nodeAddress: "10.9.0.1",
  podCidrs: [],
  podPools: [],
  encapsulation: "cross-subnet",
  tunnel: "vxlan",
  protocol: 77,
  table: 254,
  metric: 0,
  nextHopObjects: choice === "auto" ? "auto" : "never",
  netlink: openKernelNetlink(),
  sysctl: procSysctl,
  clock: nodeClock,
  logger: silentLogger,
});

/** Made anew each time, as what feeds a Felix does. */
function prefixAt(index: number): Prefix {
  const octets = Uint8Array.of(20 + (index >>> 16), (index >>> 8) & 255, index & 255, 0);
  return prefixFromOctets(octets, 24);
}

const phases: Partial<Record<Phase, number>> = {};
let blockedMs = 0;

/** `body` may say itself how many seconds it took. */
async function measure(phase: Phase, body: () => Promise<number | void>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const fromMs = performance.now();
  const seconds = await body();
  await felix.settled();
  phases[phase] = seconds ?? (performance.now() - fromMs) / 1000;
  delay.disable();
  blockedMs = Math.max(blockedMs, delay.max / 1e6 - RESOLUTION_MS);
}

async function inTurns(each: (prefix: Prefix) => void): Promise<void> {
  for (let from = 0; from < count; from += PER_TURN) {
    const end = Math.min(count, from + PER_TURN);
    for (let index = from; index < end; index++) each(prefixAt(index));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function assertAll(what: string): void {
  const { counts } = felix.status();
  if (counts.installed !== count + 1) throw new Error(`not all ${what}: ${JSON.stringify(counts)}`);
}

const setAll = (gateway: string): Promise<void> =>
  inTurns((prefix) => felix.setRoute({ prefix, nextHops: [gateway] }));

const removeAll = (): Promise<void> => inTurns((prefix) => felix.removeRoute(prefix));

/** Takes a command a line; started before anything is measured, for starting a process holds up the event loop. */
const ip = spawn("ip", ["-batch", "-"], { stdio: ["pipe", "ignore", "inherit"] });

const elsewhere = prefixFromOctets(Uint8Array.of(10, 8, 0, 0), 24);
/** Of a node that is in another subnet all along: the tunnel is there. */
const tunnelled: Prefix = prefixFromOctets(Uint8Array.of(19, 0, 0, 0), 24);
const GATEWAY_BEHIND_TUNNEL = "10.9.0.4";

async function openTunnel(): Promise<void> {
  felix.setNodeSubnets(new Map([[GATEWAY_BEHIND_TUNNEL, elsewhere]]));
  felix.setRoute({ prefix: tunnelled, nextHops: [GATEWAY_BEHIND_TUNNEL] });
  await felix.settled();
}

/** The gateway says that it is in another subnet, too: its routes are to go through the tunnel. */
function move(): Promise<void> {
  const inTunnel = [GATEWAY_BEHIND_TUNNEL, gatewayB];
  felix.setNodeSubnets(new Map(inTunnel.map((gateway) => [gateway, elsewhere])));
  return felix.settled();
}

/** An address that goes may have taken routes along silently: all are read and compared. */
async function resync(): Promise<number> {
  const done = new Promise<void>((resolve) => {
    const end = felix.onChange(({ kind }) => {
      if (kind !== "resync") return;
      end();
      resolve();
    });
  });
  ip.stdin.write("addr add 10.99.0.1/32 dev lo\naddr del 10.99.0.1/32 dev lo\n");
  await done;
  return (felix.status().lastResync?.durationMs ?? 0) / 1000;
}

// As a node does at its start.
haveV8ThreadsGiveWay();
releaseStartupMemory();
await warmUpProgrammer(nodeClock);
await felix.start();
felix.pictureComplete();
await openTunnel();
await measure("add", () => setAll(gatewayA));
assertAll("in");
await measure("replace", () => setAll(gatewayB));
assertAll("replaced");
await measure("move", move);
assertAll("moved");
await measure("resync", resync);
assertAll("there");
await measure("delete", () => removeAll());
const rssMib =
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
const outcome: Outcome = { phases, blockedMs, rssMib };
process.stdout.write(`${JSON.stringify(outcome)}\n`);
ip.stdin.end();
await felix.stop({ cleanup: false });
process.exit(0);
