import { execFileSync } from "node:child_process";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
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
netlinkContract("the kernel", realKernel, enterNewNamespace());
