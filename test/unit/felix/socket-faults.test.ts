import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openKernelNetlink } from "../../../src/netlink/kernel-netlink.ts";
import { FaultySockets, type SocketFault } from "../../support/faulty-sockets.ts";
import { FelixHarness } from "../../support/felix-harness.ts";
import {
  errnos,
  kernelAfterLife,
  kernelOf,
  type LifeOptions,
  live,
  pass,
} from "../../support/felix-life.ts";
import { memorySockets } from "../../support/memory-sockets.ts";

const faults: readonly (readonly [name: string, fault: SocketFault])[] = [
  ...Object.entries(errnos).flatMap(([name, errno]) => [
    [`${name} of what is sent`, { kind: "send", errno }] as const,
    [`${name} of what is received`, { kind: "receive", errno }] as const,
  ]),
  ["an answer, or a part of one, that never comes", { kind: "lost" }],
  ["a list during which what it is about changes", { kind: "interrupted" }],
  ["a list that ends too early", { kind: "short" }],
  ["a list for which the kernel runs out of memory", { kind: "starved" }],
  ["events that are lost", { kind: "overrun" }],
];

for (const nextHopObjects of ["never", "auto"] as const) {
  describe(`one fault of a socket, next-hop objects: ${nextHopObjects}`, () => {
    const options: LifeOptions = { tunnel: "vxlan", nextHopObjects };

    for (const [name, fault] of faults) {
      test(`${name}: whenever it is, the kernel is in the end as without`, async () => {
        const wanted = await kernelAfterLife(options);
        for (let at = 1; ; at++) {
          const h = new FelixHarness();
          await h.router();
          const sockets = new FaultySockets(memorySockets(h.kernel), at, fault);
          const netlink = openKernelNetlink(sockets.open);
          await live(h, { ...options, netlink });
          const { hasStruck } = sockets;
          if (hasStruck) await pass(h, 6);
          await h.stop();
          netlink.close();
          if (!hasStruck) {
            assert.ok(at > 10, `only ${at} times`);
            break;
          }
          assert.deepEqual(kernelOf(h), wanted, `time ${at}`);
        }
      });
    }
  });
}
