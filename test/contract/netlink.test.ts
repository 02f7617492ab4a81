import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { MessageFlag, MessageType } from "../../src/netlink/constants.ts";
import { NetlinkError } from "../../src/netlink/errno.ts";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { encodeLinkDump } from "../../src/netlink/link.ts";
import { encodeMessage } from "../../src/netlink/message.ts";
import { openNetlinkSocket } from "../../src/netlink/socket.ts";
import { enterNewNamespace } from "../support/own-namespace.ts";
import { MemoryKernel } from "../support/memory-kernel.ts";
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

netlinkContract("in memory", memoryKernel, false);
const skip = enterNewNamespace();
netlinkContract("the kernel", realKernel, skip);

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
