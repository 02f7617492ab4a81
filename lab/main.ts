import { Network, kernelHasIpip, releaseNamespaces } from "../test/support/netns.ts";
import { releaseDaemons } from "../test/support/daemon.ts";
import { allAnswer, allEstablished, type Cell, slowestPair, startPings } from "./convergence.ts";
import { buildNetwork } from "./network.ts";
import { type LabOptions, readOptions, USAGE } from "./options.ts";
import { heading, note, pingMatrix, print } from "./report.ts";
import { type LabSpeakers, startSpeakers, stopSpeakers } from "./speakers.ts";
import { freshDirectory, removeDirectory, LAB_DIRECTORY, LAB_PREFIX, tearDown } from "./state.ts";
import { NODES, type TopologyName } from "./topology.ts";
import { nextSteps, picture, stayingHints } from "./texts.ts";

/** Brings the lab up, shows it, takes it down. Resolves to the exit code: 0 when every cell that can be green is. */
async function lab({ topology, keep }: LabOptions): Promise<number> {
  await tearDown();
  freshDirectory();
  process.once("exit", () => {
    if (!kept) removeDirectory();
  });
  const ipip = await kernelHasIpip();
  print(picture(topology));
  const network = new Network(LAB_PREFIX);
  let speakers: LabSpeakers | undefined;
  let cells: readonly Cell[] = [];
  try {
    const built = await buildNetwork(network, topology, ipip);
    cells = startPings(built);
    const started = Date.now();
    speakers = await startSpeakers(built, LAB_DIRECTORY, topology, ipip);
    note(`all daemons answer after ${seconds(Date.now() - started)}; waiting for their sessions`);
    const times = await allEstablished(speakers, topology);
    const reachable = cells.filter(({ from, to }) => ipip || segmentOf(from) === segmentOf(to));
    await allAnswer(reachable);
    await showNode(speakers, "a1");
    showMatrix(cells, ipip);
    heading("Convergence");
    print(
      `  from a pair's sessions Established to its pods' first answer: ${seconds(slowestPair(reachable, times, topology))} at most`,
    );
    if (keep) {
      stay(topology);
      return 0;
    }
    print(nextSteps());
    return 0;
  } catch (error) {
    process.stderr.write(`margay lab: ${error instanceof Error ? error.message : String(error)}\n`);
    showMatrix(cells, ipip);
    note(`logs of the daemons, before they go:\n${speakers === undefined ? "" : tails(speakers)}`);
    return 1;
  } finally {
    await Promise.all(cells.map(({ pinger }) => pinger.stop()));
    if (!kept) {
      if (speakers !== undefined) await stopSpeakers(speakers);
      await network.destroy();
      await tearDown();
    }
  }
}

let kept = false;

function stay(topology: TopologyName): void {
  kept = true;
  releaseDaemons();
  releaseNamespaces();
  print(stayingHints(topology));
}

async function showNode(speakers: LabSpeakers, name: string): Promise<void> {
  const margay = speakers.margays.get(name);
  if (margay === undefined) throw new Error(`${name} is no margay node`);
  for (const [title, text] of [
    [`margay peers    (on ${name})`, (await margay.cli("peers")).stdout],
    [`ip route    (on ${name})`, await margay.namespace.run(["ip", "route"])],
  ] as const) {
    heading(`$ ${title}`);
    print(text.replaceAll(/^/gm, "  "));
  }
}

function showMatrix(cells: readonly Cell[], ipip: boolean): void {
  heading("Pods that ping each other");
  print(pingMatrix(cells));
  if (!ipip)
    note("  ✘: this kernel has no ipip, so pods behind the router cannot be reached from here.");
}

function tails(speakers: LabSpeakers): string {
  const logs = [...speakers.margays, ...speakers.foreign].map(
    ([name, speaker]) => `--- ${name}\n${speaker.log().slice(-1500)}`,
  );
  return logs.join("\n");
}

function segmentOf(name: string): string | undefined {
  return NODES.find((node) => node.name === name)?.segment;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

async function main(): Promise<number> {
  let options: LabOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(
      `margay lab: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`,
    );
    return 2;
  }
  if (!options.down) return lab(options);
  const count = await tearDown();
  print(
    count === 0 ? "There is no lab to take down." : `The lab is down: ${count} namespaces removed.`,
  );
  return 0;
}

process.exit(await main());
