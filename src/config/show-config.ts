import { resolve } from "node:path";
import { Document, isMap } from "yaml";
import type { Prefix } from "../net/prefix.ts";
import type { NodeConfig } from "./node-config.ts";

/** The configuration in force as YAML, every default spelt out; itself a node file that means the same. */
export function showConfig(config: NodeConfig): string {
  const { podCidrsFrom, ...node } = config.node;
  const { listen } = config.api;
  const document = new Document(
    {
      ...config,
      node: { ...node, podCidrs: texts(node.podCidrs) },
      cluster: { file: resolve(config.cluster.file) },
      api: {
        socket: config.api.socket,
        ...(listen && { listen: `${bracketed(listen.address)}:${listen.port}` }),
      },
      peers: config.peers.map(({ importPrefixes, ...peer }) => ({
        ...peer,
        ...(importPrefixes && { importPrefixes: texts(importPrefixes) }),
      })),
    },
    { aliasDuplicateObjects: false },
  );
  const nodeMap = document.get("node");
  if (podCidrsFrom === "cluster" && isMap(nodeMap)) {
    const podCidrs = nodeMap.get("podCidrs", true);
    if (podCidrs) podCidrs.commentBefore = " follows the cluster file";
  }
  return document.toString({ collectionStyle: "any", lineWidth: 100 });
}

function texts(prefixes: readonly Prefix[]): string[] {
  return prefixes.map(({ text }) => text);
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
