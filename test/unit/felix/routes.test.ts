import assert from "node:assert/strict";
import { test } from "node:test";
import { RouteProgrammer } from "../../../src/felix/routes.ts";
import { Fib } from "../../../src/fib/fib.ts";
import { PathTable } from "../../../src/fib/path.ts";
import { ipv4Prefix } from "../../../src/net/prefix.ts";
import { OURS, turn } from "../../support/felix-harness.ts";
import { MemoryKernel } from "../../support/memory-kernel.ts";

/** The first batch, which is smaller, and a whole one. */
const ROUTES = 2048 + 8192;
/** A deletion takes a microsecond. */
const LIMIT = 4096;

test("what the kernel has made of many changes is taken in over several turns", async () => {
  const netlink = new MemoryKernel().open();
  // One after the other, as the kernel does.
  let last = Promise.resolve();
  netlink.applyRoutes = async () => {
    last = last.then(turn);
    await last;
    return [];
  };
  const fib = new Fib<string>(0);
  const path = new PathTable().intern({ type: "unicast", hops: [] });
  for (let index = 0; index < ROUTES; index++) {
    fib.want(ipv4Prefix((20 << 24) + (index << 8), 24), 0, "me", path);
  }
  let [all, inTurn, most] = [0, 0, 0];
  const report = (): void => {
    all++;
    most = Math.max(most, ++inTurn);
  };
  const programmer = new RouteProgrammer(fib, netlink, OURS, report, () => undefined);
  const programmed = programmer.program();
  while (all < ROUTES) {
    inTurn = 0;
    await turn();
  }
  await programmed;
  assert.equal(all, ROUTES);
  assert.ok(most <= LIMIT, `${most} in one turn`);
});
