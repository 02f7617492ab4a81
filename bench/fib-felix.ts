/**
 * The routes of bench/fib.ts, wanted of a Felix in the namespace this is started in: prints the seconds for add,
 * replace and delete of COUNT routes, and the longest time that the event loop stood still meanwhile.
 *
 *   node fib-felix.ts COUNT GATEWAY_A GATEWAY_B
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Felix } from "../src/felix/felix.ts";
import { procSysctl } from "../src/felix/sysctl.ts";
import { type Prefix, prefixFromOctets } from "../src/net/prefix.ts";
import { openKernelNetlink } from "../src/netlink/kernel-netlink.ts";
import { silentLogger } from "../src/platform/logger.ts";
import { nodeClock } from "../src/platform/node-clock.ts";

const count = Number(process.argv[2]);
const gateways = process.argv.slice(3, 5);
/** As the speaker does: what one turn of its loop has decided is handed over, then the loop turns. */
const PER_TURN = 1000;

const felix = new Felix({
  nodeAddress: "10.9.0.1",
  podCidrs: [],
  podPools: [],
  encapsulation: "cross-subnet",
  protocol: 77,
  table: 254,
  metric: 0,
  netlink: openKernelNetlink(),
  sysctl: procSysctl,
  clock: nodeClock,
  logger: silentLogger,
});

const prefixes: Prefix[] = Array.from({ length: count }, (_, index) =>
  prefixFromOctets(Uint8Array.of(20 + (index >>> 16), (index >>> 8) & 255, index & 255, 0), 24),
);

async function timed(each: (prefix: Prefix) => void): Promise<number> {
  const fromMs = performance.now();
  for (let from = 0; from < count; from += PER_TURN) {
    for (const prefix of prefixes.slice(from, from + PER_TURN)) each(prefix);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await felix.settled();
  return (performance.now() - fromMs) / 1000;
}

await felix.start();
felix.pictureComplete();
await felix.settled();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const seconds: number[] = [];
for (const gateway of gateways) {
  seconds.push(await timed((prefix) => felix.setRoute({ prefix, nextHops: [gateway] })));
  const { counts } = felix.status();
  if (counts.installed !== count) throw new Error(`not all are in: ${JSON.stringify(counts)}`);
}
seconds.push(await timed((prefix) => felix.removeRoute(prefix)));
delay.disable();
process.stdout.write(`${seconds.map((value) => value.toFixed(6)).join(" ")} ${delay.max / 1e6}\n`);
await felix.stop({ cleanup: false });
process.exit(0);
