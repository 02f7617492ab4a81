import type { ForeignConfig } from "../test/support/foreign/index.ts";
import {
  ASN,
  DETOUR,
  HOLD_TIME_SECONDS,
  type LabNode,
  peersOf,
  type TopologyName,
} from "./topology.ts";

/** What the BIRD and the FRR node are told. Without a kernel that has ipip there is no device to detour over. */
export function foreignConfig(node: LabNode, topology: TopologyName, ipip: boolean): ForeignConfig {
  return {
    address: node.address,
    asn: ASN,
    routerId: node.address,
    holdTimeSeconds: HOLD_TIME_SECONDS,
    peers: peersOf(node, topology).map(({ address }) => ({ address, asn: ASN })),
    originate: [node.podCidr],
    programKernel: true,
    ...(ipip ? { detour: { nextHopsWithin: DETOUR.nextHopsWithin, via: DETOUR.via } } : {}),
  };
}
