import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { prefixFromOctets } from "../../src/net/prefix.ts";
import { MessageFlag, MessageType } from "../../src/netlink/constants.ts";
import { Errno, NetlinkError } from "../../src/netlink/errno.ts";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { encodeLinkDump } from "../../src/netlink/link.ts";
import { encodeMessage } from "../../src/netlink/message.ts";
import type { RoutePath } from "../../src/netlink/route.ts";
import type { RouteChange } from "../../src/netlink/route-request.ts";
import { openNetlinkSocket } from "../../src/netlink/socket.ts";
import { FaultySockets } from "../support/faulty-sockets.ts";
import { enterNewNamespace } from "../support/own-namespace.ts";
import { MemoryKernel } from "../support/memory-kernel.ts";
import { memorySockets } from "../support/memory-sockets.ts";
import { netlinkContract, type TestKernel } from "./netlink-contract.ts";

function memoryKernel(): TestKernel {
  const kernel = new MemoryKernel();
  const { ifindex } = kernel.addLink("v0", { kind: "veth", up: true });
  kernel.addAddress(ifindex, "10.9.0.1", 24);
  return { ifindex, open: () => kernel.open(), close: () => {} };
}

/** A new wire in this process's namespace; its far end is in a namespace that holds nothing else. */
function realKernel(): TestKernel {
  const ip = (words: string): string => execFileSync("ip", words.split(" "), { encoding: "utf8" });
  const far = `mgf-${process.pid}-far`;
  ip(`netns add ${far}`);
  ip(`link add v0 type veth peer name v1 netns ${far}`);
  ip(`-n ${far} link set v1 up`);
  ip("addr add 10.9.0.1/24 dev v0");
  ip("link set v0 up");
  const [link] = JSON.parse(ip("-j link show v0")) as { ifindex: number }[];
  return {
    ifindex: link?.ifindex as number,
    open: openKernelNetlink,
    close: () => {
      ip("link del v0");
      ip("route flush table all proto 77"); // those without an interface outlive it
      ip(`netns del ${far}`);
    },
  };
}

/** The same in octets. */
function memoryKernelBehindSockets(): TestKernel {
  const kernel = new MemoryKernel();
  const { ifindex } = kernel.addLink("v0", { kind: "veth", up: true });
  kernel.addAddress(ifindex, "10.9.0.1", 24);
  return { ifindex, open: () => openKernelNetlink(memorySockets(kernel)), close: () => {} };
}

netlinkContract("in memory", memoryKernel, false);
netlinkContract("in memory, behind sockets", memoryKernelBehindSockets, false);
const skip = enterNewNamespace();
netlinkContract("the kernel", realKernel, skip);

const memory = new MemoryKernel();
/** Of so many routes the list is a dozen datagrams at least. */
const kernels = [
  { name: "memory", sockets: () => memorySockets(memory), length: 64, skip: false },
  { name: "the kernel", sockets: () => openNetlinkSocket, length: 8_192, skip },
] as const;

for (const { name, sockets, length, ...options } of kernels) {
  describe(`a list of ${name} that was given up`, options, () => {
    const identity = { protocol: 77, table: 254 };
    const path: RoutePath = { type: "unreachable", hops: [] };
    const changes = (op: "create" | "delete"): RouteChange[] =>
      Array.from({ length }, (_, index): RouteChange => {
        const octets = Uint8Array.of(20, index >>> 8, index & 255, 0);
        return { op, prefix: prefixFromOctets(octets, 24), metric: 0, path };
      });
    const apply = async (op: "create" | "delete"): Promise<void> => {
      const other = openKernelNetlink(sockets());
      await other.applyRoutes(changes(op), identity);
      other.close();
    };

    before(() => apply("create"));
    after(() => apply("delete"));

    for (const kind of ["receive", "starved"] as const) {
      // One of the first is received at once, one of the later in a thread.
      for (const at of [2, 9]) {
        test(`keeps no other from being told (${kind}, ${at})`, async () => {
          const faulty = new FaultySockets(sockets(), at, { kind, errno: Errno.noBuffers });
          const netlink = openKernelNetlink(faulty.open);
          const count = async (): Promise<number> => {
            let routes = 0;
            await netlink.dumpRoutes({ version: 4, ...identity }, () => routes++);
            return routes;
          };
          try {
            const isWhole = await count().then(
              (routes) => routes === length,
              (error: unknown) => {
                assert.ok(error instanceof NetlinkError);
                return true;
              },
            );
            assert.ok(isWhole && faulty.hasStruck);
            assert.equal(await count(), length);
            assert.ok((await netlink.dumpLinks()).length > 0);
          } finally {
            netlink.close();
          }
        });
      }
    }
  });
}

test("of datagrams sent in a thread, the first that the kernel refuses says why", {
  skip,
}, async () => {
  const socket = openNetlinkSocket(0);
  try {
    const flags = MessageFlag.request | MessageFlag.dump;
    const request = encodeMessage(MessageType.getLink, flags, 1, encodeLinkDump());
    const tooLong = new Uint8Array(64 * 1024 * 1024);
    await assert.rejects(socket.sendInThread(request, tooLong), (error) => {
      assert.ok(error instanceof NetlinkError);
      assert.equal(error.message, "send to the kernel: EMSGSIZE: message too long");
      return true;
    });
    assert.ok(socket.receive(new Uint8Array(64 * 1024)) > 0, "the one before it went");
  } finally {
    socket.close();
  }
});
