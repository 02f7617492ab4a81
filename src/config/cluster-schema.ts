import { z } from "zod";
import { encapsulation, tunnel } from "./sections.ts";
import {
  asn,
  choice,
  flag,
  ipv6Address,
  list,
  prefix,
  podPrefix,
  port,
  section,
  speakerAddress,
  text,
} from "./fields.ts";

const member = section({
  name: text("the node's name, as its own configuration has it").meta({
    description: "The node's name; unique among members and reflectors.",
  }),
  address: speakerAddress().meta({
    description: "The address its peers dial, and the next hop of its pods. IPv4.",
  }),
  address6: ipv6Address().optional().meta({
    description: "Its IPv6 address: the next hop of its IPv6 pods, who need one.",
  }),
  subnet: prefix().optional().meta({
    description:
      "The subnet that it is in. Two nodes are on one segment only if each is in the other's; left out, what it announces counts, else the other end's word.",
  }),
  subnet6: prefix().optional().meta({ description: "The same of its IPv6 address." }),
  podCidrs: list("pod CIDRs", podPrefix()).default([]).meta({
    description: "What the node's pods have; inside the pools, overlapping nobody else's.",
  }),
  asn: asn().optional().meta({ description: "AS number, where it is not the cluster's." }),
  port: port().default(179).meta({ description: "TCP port its speaker listens on." }),
});

const reflector = section({
  name: text("the reflector's name").meta({
    description: "The reflector's name; unique among members and reflectors.",
  }),
  address: speakerAddress().meta({ description: "The address its clients dial. IPv4." }),
  asn: asn().optional().meta({ description: "AS number, where it is not the cluster's." }),
  port: port().default(179).meta({ description: "TCP port it listens on." }),
});

const poolSetting = section({
  prefix: podPrefix().meta({
    description: "A pool or a part of one; the longest around a route counts.",
  }),
  encapsulation: encapsulation().optional().meta({ description: "Instead of the node's." }),
  tunnel: tunnel().optional().meta({ description: "Instead of the node's." }),
  natOutgoing: flag().optional().meta({
    description:
      "Whether packets from it to the outside, no pool, bear the node's address. Default: as of the setting around it, else false.",
  }),
});

/** The cluster file. Descriptions end up in the JSON Schema and are held against docs/CONFIG.md by a test. */
export const clusterSchema = section({
  asn: asn().default(64_512).meta({ description: "AS number of every member that has none." }),
  podPools: list("pod pools", podPrefix())
    .min(1, { error: "is empty: give the range that pod CIDRs come from, such as 10.233.0.0/16" })
    .meta({
      description: "Ranges that pod CIDRs come from: a node takes nothing else from its peers.",
    }),
  poolSettings: list("settings of pools", poolSetting).default([]).meta({
    description:
      "How pools, or parts of them, are reached where that is not as each node's file says.",
  }),
  topology: choice(["mesh", "reflector"])
    .default("mesh")
    .meta({ description: "Sessions between all members, or from each member to the reflectors." }),
  members: list("members", member).meta({ description: "The nodes, this one included." }),
  reflectors: list("reflectors", reflector)
    .default([])
    .meta({ description: "The route reflectors; used by the topology `reflector`." }),
}).meta({ title: "margay cluster file" });

/** The cluster file as read: defaults in place, text turned into values. */
export type ClusterFile = z.output<typeof clusterSchema>;
