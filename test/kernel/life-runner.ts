/**
 * The life of a table of many routes, in the network namespace it is started in: added, adopted by another Felix, replaced,
 * read anew and deleted. Prints as JSON the longest turn of the event loop in each part, in milliseconds of its processor
 * time: what else the machine does is not in it.
 *
 *   node life-runner.ts COUNT GATEWAY OTHER_GATEWAY never|auto
 */
import assert from "node:assert/strict";
import { Felix } from "../../src/felix/felix.ts";
import type { FelixStatus } from "../../src/felix/status.ts";
import { procSysctl } from "../../src/felix/sysctl.ts";
import { ipv4Prefix, type Prefix } from "../../src/net/prefix.ts";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";

const [countText, gateway = "", otherGateway = "", choice] = process.argv.slice(2);
const count = Number(countText);
/** What one turn of a speaker's loop hands over. */
const PER_TURN = 1000;
const LOOPBACK = 1;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const hand = openKernelNetlink();
const longest: Record<string, number> = {};

/** Runs a part of the life; every turn that ends meanwhile is measured. */
async function measure(part: string, body: () => Promise<void>): Promise<void> {
  let longestMs = 0;
  let isOver = false;
  const watch = async (): Promise<void> => {
    await nextTurn();
    while (!isOver) {
      const before = process.threadCpuUsage();
      await nextTurn();
      const { user, system } = process.threadCpuUsage(before);
      longestMs = Math.max(longestMs, (user + system) / 1000);
    }
  };
  const watching = watch();
  await body();
  isOver = true;
  await watching;
  longest[part] = longestMs;
}

function newFelix(netlink: ReturnType<typeof openKernelNetlink>): Felix {
  return new Felix({
    ...{ nodeAddress: "192.168.1.2", podCidrs: [], podPools: [] },
    ...{ encapsulation: "never", protocol: 77, table: 254, metric: 0 },
    nextHopObjects: choice === "auto" ? "auto" : "never",
    ...{ netlink, sysctl: procSysctl, clock: nodeClock, logger: silentLogger },
  });
}

async function each(of: (prefix: Prefix) => void): Promise<void> {
  for (let index = 0; index < count; index++) {
    of(ipv4Prefix((20 << 24) + (index << 8), 24));
    if (index % PER_TURN === 0) await nextTurn();
  }
}

async function setAll(felix: Felix, nextHop: string): Promise<void> {
  await each((prefix) => felix.setRoute({ prefix, nextHops: [nextHop] }));
  await felix.settled();
}

function assertAll(felix: Felix, state: keyof FelixStatus["counts"]): void {
  assert.equal(felix.status().counts[state], count, state);
}

/** An address that goes may have taken routes along silently: all are read and compared. */
async function resync(felix: Felix): Promise<void> {
  const read = new Promise<void>((resolve) => {
    const end = felix.onChange(({ kind }) => {
      if (kind !== "resync") return;
      end();
      resolve();
    });
  });
  hand.addHostAddress(LOOPBACK, "10.99.0.1", 4);
  hand.removeHostAddress(LOOPBACK, "10.99.0.1");
  await read;
  await felix.settled();
}

const firstNetlink = openKernelNetlink();
const first = newFelix(firstNetlink);
await first.start();
await measure("add", () => setAll(first, gateway));
assertAll(first, "installed");
await first.stop({ cleanup: false });
firstNetlink.close();

const netlink = openKernelNetlink();
const felix = newFelix(netlink);
await measure("adopt", async () => {
  await felix.start();
  await setAll(felix, gateway);
  felix.pictureComplete();
  await felix.settled();
});
assertAll(felix, "adopted");
await measure("replace", () => setAll(felix, otherGateway));
assertAll(felix, "installed");
await measure("resync", () => resync(felix));
await measure("look", async () => {
  await nextTurn();
  assertAll(felix, "installed");
  await nextTurn();
});
await measure("delete", async () => {
  await each((prefix) => felix.removeRoute(prefix));
  await felix.settled();
});
assert.deepEqual([...felix.routes()], []);
await felix.stop({ cleanup: false });
process.stdout.write(JSON.stringify(longest));
process.exit(0);
