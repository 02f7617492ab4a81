import type { NodeConfig } from "../config/node-config.ts";
import type { Clock } from "../platform/clock.ts";
import type { ClusterSource } from "./cluster-source.ts";
import { FileClusterSource } from "./file/file-cluster-source.ts";

type OpenClusterSource = (config: NodeConfig, clock: Clock) => ClusterSource;

/** THE table of backends, by the key under `cluster` that chooses them. */
const backends: Readonly<Record<keyof NodeConfig["cluster"], OpenClusterSource>> = {
  file: (config, clock) =>
    new FileClusterSource(config.cluster.file, { nodeName: config.node.name, clock }),
};

/** The backend that the configuration chooses, not yet started. */
export function openClusterSource(config: NodeConfig, clock: Clock): ClusterSource {
  return backends.file(config, clock);
}
