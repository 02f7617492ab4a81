import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Endpoint } from "./fields.ts";
import type { Listen } from "./listen.ts";
import type { NodeFile } from "./node-schema.ts";
import type { ConfigProblem } from "./problem.ts";
import type { ExplicitPeer, ExplicitRange } from "./resolve-peers.ts";

/** The configuration of a node in force: every default in place, every address canonical. docs/CONFIG.md has it all. */
export interface NodeConfig {
  readonly node: {
    readonly name: string;
    readonly address: string;
    /** IPv6 next hop of our pods: the member's. */
    readonly address6?: string | undefined;
    readonly asn: number;
    /** Dotted quad, not 0.0.0.0. */
    readonly routerId: string;
    readonly podCidrs: readonly Prefix[];
    /** Who says what the pod CIDRs are: with `cluster`, they follow the cluster's member as it changes. */
    readonly podCidrsFrom: "node" | "cluster" | "interface";
    /** With `interface`: which; `podCidrs` are then for the agent to find. */
    readonly podCidrsInterface?: string | undefined;
  };
  /** Path of the cluster file, usable from the working directory. */
  readonly cluster: { readonly file: string };
  readonly listen: Listen;
  readonly timers: Readonly<NodeFile["timers"]>;
  /** A password that is in a file is read. */
  readonly mesh: Readonly<NodeFile["mesh"]>;
  readonly encapsulation: NodeFile["encapsulation"];
  readonly tunnel: NodeFile["tunnel"];
  readonly ipip: Readonly<NodeFile["ipip"]>;
  readonly kernel: Readonly<NodeFile["kernel"]>;
  readonly firewall: Readonly<NodeFile["firewall"]>;
  readonly mtu: Readonly<NodeFile["mtu"]>;
  readonly bestPath: Readonly<NodeFile["bestPath"]>;
  readonly slowPeers: Readonly<NodeFile["slowPeers"]>;
  readonly api: { readonly socket: string; readonly listen?: Endpoint | undefined };
  /** The programmer in a process of its own. */
  readonly felix: {
    readonly socket: string;
    readonly staleSeconds: number;
    /** Where it serves its own. */
    readonly metrics: { readonly listen?: Endpoint | undefined };
  };
  /** Where Prometheus metrics and probes are served. */
  readonly metrics: { readonly listen?: Endpoint | undefined };
  readonly peers: readonly ExplicitPeer[];
  readonly ranges: readonly ExplicitRange[];
  readonly log: Readonly<NodeFile["log"]>;
}

/** What loading a node's configuration comes to. */
export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: NodeConfig;
      /** The cluster as its file has it now. */
      readonly cluster: ClusterModel;
      readonly warnings: readonly ConfigProblem[];
    }
  | {
      readonly ok: false;
      /** Every mistake, by file and place; at least one. */
      readonly errors: readonly ConfigProblem[];
      readonly warnings: readonly ConfigProblem[];
    };
