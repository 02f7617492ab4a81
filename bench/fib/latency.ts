import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { preferSession, withPrecedence } from "../precedence.ts";
import { dotted, peerAddress } from "../tester/universe.ts";
import type { Place } from "./place.ts";

const NODE = "10.1.0.250";
/** The tester's, on the same machine. */
const PEER = dotted(peerAddress(0));
const ASN = 64_512;
const here = (file: string): string => join(import.meta.dirname, file);

/** Milliseconds from an UPDATE's being sent to its route's being in the kernel. */
export interface Latency {
  readonly name: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Daemon {
  readonly name: string;
  readonly command: string;
  /** Writes what it needs, and returns the command that runs it in the foreground. */
  prepare(directory: string): readonly string[];
}

const margay: Daemon = {
  name: "margay node",
  command: process.execPath,
  prepare(directory) {
    const file = join(directory, "node.yaml");
    const socket = join(directory, "margay.sock");
    writeFileSync(
      join(directory, "cluster.yaml"),
      `asn: ${ASN}
podPools: [20.0.0.0/8]
members:
  - { name: node, address: ${NODE}, podCidrs: [] }
  - { name: peer, address: ${PEER}, podCidrs: [] }
`,
    );
    writeFileSync(
      file,
      `node: { name: node }
cluster: { file: cluster.yaml }
api: { socket: ${socket} }
log: { level: warn }
`,
    );
    return [process.execPath, here("../../bin/margay.js"), "node", "--config", file];
  },
};

const bird: Daemon = {
  name: "BIRD 2",
  command: "bird",
  prepare(directory) {
    const file = join(directory, "bird.conf");
    writeFileSync(
      file,
      `router id ${NODE};
protocol device {}
protocol direct { ipv4; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol bgp peer {
  local ${NODE} as ${ASN};
  neighbor ${PEER} as ${ASN};
  passive yes;
  ipv4 { import all; export none; };
}
`,
    );
    return ["bird", "-f", "-c", file, "-s", join(directory, "bird.ctl")];
  },
};

/** Of whole daemons, `changes` prefixes one after the other. */
export const latencyContenders: readonly Daemon[] = [margay, bird].filter(
  ({ command }) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0,
);

/** In a place of its own, beside as many routes as it counts. */
export async function measureLatency(
  daemon: Daemon,
  { namespace, scratch, device, count }: Place,
  changes: number,
): Promise<Latency> {
  const directory = join(scratch, `latency-${daemon.command.replaceAll("/", "-")}`);
  mkdirSync(directory, { recursive: true });
  for (const address of [`${NODE}/24 dev ${device}`, `${PEER}/32 dev lo`]) {
    execFileSync("ip", ["-n", namespace, "addr", "add", ...address.split(" ")]);
  }
  // Nobody is there: a node would see to it that its routes lead elsewhere, while it is measured.
  for (const nextHop of [1, 2]) {
    const neighbour = `${dotted(peerAddress(nextHop))} lladdr 02:00:00:00:00:01 dev ${device}`;
    execFileSync("ip", ["-n", namespace, "neigh", "add", ...neighbour.split(" ")]);
  }
  const inside = ["netns", "exec", namespace];
  const argv = [...inside, ...withPrecedence(daemon.prepare(directory))];
  const child = spawn("ip", argv, { stdio: ["ignore", "ignore", "inherit"] });
  preferSession(process.pid);
  try {
    // Room enough that no collection of the tester's garbage falls into what it measures.
    const node = [process.execPath, "--min-semi-space-size=64", "--max-semi-space-size=64"];
    const words = [NODE, ASN, changes, count].map(String);
    const tester = withPrecedence([...node, here("latency-tester.ts"), ...words]);
    const { stdout } = await promisify(execFile)("ip", [...inside, ...tester]);
    return { name: daemon.name, ...(JSON.parse(stdout) as Omit<Latency, "name">) };
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
}
