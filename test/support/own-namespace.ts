import { execFileSync } from "node:child_process";
import koffi from "koffi";
import { Namespace } from "./netns.ts";

const CLONE_NEWNET = 0x40000000;

/**
 * Puts this process's main thread into a network namespace of its own, with the loopback up; it ends with the process.
 * Returns `false`, or why that cannot be.
 */
export function enterNewNamespace(): string | false {
  const unshare = koffi.load(null).func("int unshare(int)");
  if (unshare(CLONE_NEWNET) !== 0) return "needs root for a network namespace of its own";
  execFileSync("ip", ["link", "set", "lo", "up"]);
  return false;
}

/** The namespace that this process is in, be it `enterNewNamespace`'s. */
export class OwnNamespace extends Namespace {
  constructor() {
    super("this process's own");
  }

  override inside(argv: readonly string[]): readonly string[] {
    return argv;
  }

  override async ip(...commands: readonly string[]): Promise<void> {
    await this.run(["ip", "-batch", "-"], `${commands.join("\n")}\n`);
  }
}
