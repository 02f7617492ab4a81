import { join } from "node:path";
import { FOREIGN_SPEAKERS, type ForeignSpeaker } from "../test/support/foreign/index.ts";
import { Margay } from "../test/support/margay.ts";
import type { Namespace } from "../test/support/netns.ts";
import { foreignConfig } from "./foreign-files.ts";
import { clusterFile, nodeFile, reflectorArguments } from "./margay-files.ts";
import type { LabNetwork } from "./network.ts";
import { type LabNode, NODES, REFLECTOR, type TopologyName } from "./topology.ts";

export interface LabSpeakers {
  readonly margays: ReadonlyMap<string, Margay>;
  readonly foreign: ReadonlyMap<string, ForeignSpeaker>;
  readonly reflector: Margay | undefined;
}

/** Starts every speaker of the lab at the same time; resolves when each answers its own client. */
export async function startSpeakers(
  network: LabNetwork,
  directory: string,
  topology: TopologyName,
  ipip: boolean,
): Promise<LabSpeakers> {
  const margays = new Map<string, Margay>();
  const foreign = new Map<string, ForeignSpeaker>();
  const starts: Promise<void>[] = [];
  for (const node of NODES) {
    const namespace = namespaceOf(network, node);
    const home = join(directory, node.name);
    if (node.speaker === "margay") {
      const margay = new Margay(namespace, home);
      margay.configure(nodeFile(node), clusterFile(topology));
      margays.set(node.name, margay);
      starts.push(margay.startNode());
    } else {
      const make = FOREIGN_SPEAKERS[node.speaker];
      if (make === undefined) throw new Error(`no foreign speaker ${node.speaker}`);
      const speaker = make(namespace, home);
      foreign.set(node.name, speaker);
      starts.push(speaker.start(foreignConfig(node, topology, ipip)));
    }
  }
  let reflector: Margay | undefined;
  if (network.reflector !== undefined) {
    reflector = new Margay(network.reflector, join(directory, REFLECTOR.name));
    starts.push(reflector.startReflector(reflectorArguments()));
  }
  await Promise.all(starts);
  return { margays, foreign, reflector };
}

/** Ends them all at the same time. */
export async function stopSpeakers(speakers: LabSpeakers): Promise<void> {
  const all = [...speakers.margays.values(), ...speakers.foreign.values()];
  await Promise.all([...all.map((speaker) => speaker.stop()), speakers.reflector?.stop()]);
}

function namespaceOf(network: LabNetwork, node: LabNode): Namespace {
  const namespace = network.nodes.get(node.name);
  if (namespace === undefined) throw new Error(`no namespace for ${node.name}`);
  return namespace;
}
