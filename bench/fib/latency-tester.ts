/**
 * Announces single prefixes to the daemon of the namespace that this is started in, one after the other, and hears when
 * the kernel has the route: prints as JSON half and 99 per cent of the milliseconds between.
 *
 * Its own part must be small, for it counts as the daemon's: all is encoded beforehand, and from an UPDATE's being written
 * to the kernel's word of its route this process does nothing but stand still in recv(2).
 *
 *   node latency-tester.ts DAEMON_ADDRESS ASN CHANGES PRESENT
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "../statistics.ts";
import { Client } from "../tester/client.ts";
import { type Announcements, buildLoads, singleLoad } from "../tester/load.ts";
import { podBlocks } from "../tester/universe.ts";
import { RouteEar } from "./route-ear.ts";

const [address = "", asn, changesText, presentText] = process.argv.slice(2);
const changes = Number(changesText);
/** So many routes are there all the while. */
const present = Number(presentText);
/** The first are not counted: the daemon's code is cold. */
const WARM_UP = 200;
const REDIAL_MS = 50;
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;
/** After the routes that are there all the while, in which a daemon may tidy up behind them. */
const REST_MS = 1000;
/** Between two changes, so that none finds the daemon busy with the one before. */
const pauseMs = (change: number): number => 2 + (change % 7);

const total = changes + WARM_UP;
// Of three senders' prefixes those of the first are not announced: its next hop is this machine, the others' are on the wire.
const prefixesEach = Math.max(present, total);
const announcements: Announcements = {
  universe: podBlocks,
  senders: 2,
  prefixesEach: present,
  shuffled: false,
};
const [, table] = buildLoads(announcements).ofSenders;
const updates = Array.from({ length: total }, (_, change) => {
  const index = 2 * prefixesEach + change;
  return singleLoad({ ...announcements, senders: 3, prefixesEach }, index).announce;
});

const deadlineMs = performance.now() + PATIENCE_MS;
const established = Promise.withResolvers<void>();
const client = new Client(
  0,
  { address, port: 179, asn: Number(asn) },
  {
    established: () => established.resolve(),
    received: () => {},
    failed: (one, wasEstablished) => {
      if (wasEstablished || performance.now() > deadlineMs) {
        established.reject(new Error("no session with the daemon"));
      } else setTimeout(() => one.connect(), REDIAL_MS);
    },
  },
);

/** Prefixes in the namespace's tries, without listing them. */
function kernelPrefixes(): number {
  let prefixes = 0;
  for (const match of readFileSync("/proc/net/fib_triestat", "utf8").matchAll(
    /Prefixes:\s+(\d+)/g,
  )) {
    prefixes += Number(match[1]);
  }
  return prefixes;
}

/** The routes that are there all the while. */
async function announceTable(): Promise<void> {
  const wanted = kernelPrefixes() + present;
  const untilMs = performance.now() + PATIENCE_MS;
  if (present > 0 && table !== undefined) client.send(table.announce);
  while (kernelPrefixes() < wanted) {
    if (performance.now() > untilMs) throw new Error("the table does not come");
    await pause(LOOK_MS);
  }
  await pause(REST_MS);
}

/** Milliseconds from an UPDATE's being written to its route. */
function measure(update: Uint8Array): number {
  ear.forget();
  const fromMs = performance.now();
  client.send(update);
  if (!ear.hears(podBlocks.lengthBits(0))) throw new Error("the route does not come");
  return performance.now() - fromMs;
}

client.connect();
await established.promise;
await announceTable();
const ear = new RouteEar(PATIENCE_MS / 1000);
const samples: number[] = [];
for (const [change, update] of updates.entries()) {
  await pause(pauseMs(change));
  const ms = measure(update);
  if (change >= WARM_UP) samples.push(ms);
}
samples.sort((a, b) => a - b);
const p50Ms = quantile(samples, 0.5);
process.stdout.write(`${JSON.stringify({ p50Ms, p99Ms: quantile(samples, 0.99) })}\n`);
client.close();
ear.close();
