/**
 * Announces single prefixes to the daemon of the namespace that this is started in, one after the other, and hears when
 * the kernel has the route: prints as JSON half and 99 per cent of the milliseconds between.
 *
 *   node latency-tester.ts DAEMON_ADDRESS ASN CHANGES
 */
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { quantile } from "../statistics.ts";
import { Client } from "../tester/client.ts";
import { singleLoad } from "../tester/load.ts";
import { podBlocks } from "../tester/universe.ts";

const [address = "", asn, changesText] = process.argv.slice(2);
const changes = Number(changesText);
/** The first are not counted: the daemon's code is cold. */
const WARM_UP = 200;
const REDIAL_MS = 50;
const PATIENCE_MS = 30_000;
/** Between two changes, so that none finds the daemon busy with the one before. */
const pauseMs = (change: number): number => 2 + (change % 7);

const total = changes + WARM_UP;
// The second of two senders' prefixes: their next hop is on the wire, the first's is this machine.
const announcements = { universe: podBlocks, senders: 2, prefixesEach: total, shuffled: false };
const netlink = openKernelNetlink();

let onRoute: () => void = () => {};
netlink.onEvent((event) => {
  if (event.kind === "route" && event.op === "new" && event.route.prefix.length === 26) onRoute();
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
client.connect();
await established.promise;

const samples: number[] = [];
for (let change = 0; change < total; change++) {
  const { announce } = singleLoad(announcements, total + change);
  await new Promise((resolve) => setTimeout(resolve, pauseMs(change)));
  const there = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the route does not come")), PATIENCE_MS);
    onRoute = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  const fromMs = performance.now();
  client.send(announce);
  await there;
  if (change >= WARM_UP) samples.push(performance.now() - fromMs);
}
samples.sort((a, b) => a - b);
const p50Ms = quantile(samples, 0.5);
process.stdout.write(`${JSON.stringify({ p50Ms, p99Ms: quantile(samples, 0.99) })}\n`);
client.close();
netlink.close();
