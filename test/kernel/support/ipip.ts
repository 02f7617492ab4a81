import { spawnSync } from "node:child_process";
import type { TunnelKind } from "../../../src/felix/tunnel-kind.ts";
import { whyNoNamespaces } from "./network.ts";

/** Does this kernel make IPIP tunnels? Loads the module where it can. */
export function hasIpip(): boolean {
  spawnSync("modprobe", ["ipip"]);
  const name = `mgf-ipip-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return false;
  const made = spawnSync("ip", `-n ${name} link add mgf0 type ipip local 127.0.0.1`.split(" "));
  spawnSync("ip", ["netns", "del", name]);
  return made.status === 0;
}

/** Why tests of the tunnel cannot run, `false` when they can. With MARGAY_REQUIRE_IPIP=1 lacking ipip is a failure. */
export function skipWithoutIpip(): string | false {
  const reason = whyNoNamespaces();
  if (reason !== undefined) return reason;
  if (isThere()) return false;
  return "this kernel has no ipip: run scripts/qemu.sh to test on a Debian kernel";
}

/** The kinds of tunnels that this kernel has. With MARGAY_REQUIRE_IPIP=1 lacking ipip is a failure. */
export function tunnelKinds(): readonly TunnelKind[] {
  return isThere() ? ["vxlan", "ipip"] : ["vxlan"];
}

function isThere(): boolean {
  const isIt = hasIpip();
  if (!isIt && process.env["MARGAY_REQUIRE_IPIP"] === "1") {
    throw new Error("MARGAY_REQUIRE_IPIP=1, but this kernel has no ipip");
  }
  return isIt;
}
