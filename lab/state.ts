import { mkdirSync, rmSync } from "node:fs";
import { attempt } from "../test/support/run.ts";
import { removeNamespace } from "../test/support/netns.ts";
import { NODES, REFLECTOR, SEGMENTS } from "./topology.ts";

/** Where the lab's configurations, logs and sockets are while it is up. */
export const LAB_DIRECTORY = "/run/margay-lab";
/** Every namespace of the lab is `mg-…`. */
export const LAB_PREFIX = "mg";

const OWN_NAMES: ReadonlySet<string> = new Set(
  [
    ...NODES.flatMap(({ name }) => [`pod${name}`, name]),
    REFLECTOR.name,
    "router",
    ...SEGMENTS.map(({ name }) => `seg${name}`),
  ].map((name) => `${LAB_PREFIX}-${name}`),
);

/** The lab's namespaces that exist. */
async function labNamespaces(): Promise<readonly string[]> {
  const { stdout } = await attempt(["ip", "netns", "list"]);
  const names = stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  return names.filter((name) => OWN_NAMES.has(name));
}

export function freshDirectory(): void {
  removeDirectory();
  mkdirSync(LAB_DIRECTORY, { recursive: true, mode: 0o755 });
}

export function removeDirectory(): void {
  rmSync(LAB_DIRECTORY, { recursive: true, force: true });
}

/**
 * Removes whatever a lab left: the namespaces with the processes inside, and the directory.
 * @returns how many namespaces there were
 */
export async function tearDown(): Promise<number> {
  const names = await labNamespaces();
  for (const name of names) await removeNamespace(name);
  removeDirectory();
  return names.length;
}
