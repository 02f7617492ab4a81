import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Netlink } from "../../../src/netlink/netlink.ts";
import { type Fault, FaultyNetlink, refuseOne } from "../../support/faulty-netlink.ts";
import { FelixHarness } from "../../support/felix-harness.ts";
import {
  errnos,
  kernelAfterLife,
  kernelOf,
  type LifeOptions,
  live,
  pass,
} from "../../support/felix-life.ts";

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ...Object.entries(errnos).flatMap(([name, errno]) => [
    [`${name}, refused`, { kind: "refused", errno }] as const,
    [`${name}, done but not answered`, { kind: "lost", errno }] as const,
  ]),
  ["a listing that ends too early", { kind: "short" }],
];

describe("a look-up that fails without an answer", () => {
  test("leaves the way as it was, and is made again a second later", async () => {
    const h = new FelixHarness();
    const inner = h.kernel.open();
    const asked: string[] = [];
    let failing = false;
    const netlink = new Proxy(inner, {
      get(target, name: keyof Netlink) {
        if (name !== "lookup") return (target[name] as () => unknown).bind(target);
        return (address: string) => {
          asked.push(address);
          return failing ? { found: false, errno: 105, text: "ENOBUFS" } : target.lookup(address);
        };
      },
    });
    await h.start({ podCidrs: [], netlink });
    h.set("10.233.2.0/24", "192.168.1.3", "192.168.1.4");
    await h.felix.settled();
    const before = kernelOf(h);
    failing = true;
    h.kernel.addAddress(h.eth0, "172.16.0.1", 24);
    await h.quiet();
    assert.deepEqual(
      kernelOf(h).filter((line) => !line.startsWith("172.16.")),
      before,
    );
    failing = false;
    asked.length = 0;
    h.clock.advance(1_000);
    await h.quiet();
    assert.deepEqual(asked, ["192.168.1.3", "192.168.1.4"]);
    await h.stop();
  });
});

for (const nextHopObjects of ["never", "auto"] as const) {
  describe(`one call that goes wrong, next-hop objects: ${nextHopObjects}`, () => {
    const options: LifeOptions = { tunnel: "vxlan", nextHopObjects };

    for (const [name, fault] of faults) {
      test(`${name}: whichever it is, the kernel is in the end as without`, async () => {
        const wanted = await kernelAfterLife(options);
        assert.ok(wanted.some((line) => line.startsWith("10.233.3.0/24 77 0 192.168.2.2")));
        assert.ok(wanted.some((line) => line.startsWith("10.233.7.0/24 4 ")));
        for (let at = 1; ; at++) {
          const h = new FelixHarness();
          await h.router();
          const faulty = new FaultyNetlink(h.kernel.open(), at, fault);
          await live(h, { ...options, netlink: faulty.netlink });
          const { struck } = faulty;
          if (struck !== undefined) await pass(h, 6);
          await h.stop();
          if (struck === undefined) {
            assert.ok(at > 40, `only ${at} calls`);
            break;
          }
          assert.deepEqual(kernelOf(h), wanted, `call ${at}, ${struck}`);
        }
      });
    }

    for (const [name, errno] of Object.entries(errnos)) {
      test(`${name} for one change of a batch: whichever it is, the kernel is in the end as without`, async () => {
        const wanted = await kernelAfterLife(options);
        for (let at = 1; ; at++) {
          const h = new FelixHarness();
          await h.router();
          let changes = 0;
          const netlink = refuseOne(h.kernel.open(), () => ++changes === at, errno);
          await live(h, { ...options, netlink });
          if (changes >= at) await pass(h, 6);
          await h.stop();
          if (changes < at) break;
          assert.deepEqual(kernelOf(h), wanted, `change ${at}`);
        }
      });
    }
  });
}
