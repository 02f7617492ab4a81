import { prefixesOverlap } from "../net/prefix.ts";
import {
  type ClusterDraft,
  overlapMessage,
  outsidePools,
  podCidrEntries,
} from "./cluster-checks.ts";
import type { NodeDraft } from "./node-checks.ts";
import type { Report } from "./report.ts";

/** A node's draft against its cluster's, and where to report what does not fit. */
interface Comparison {
  readonly config: NodeDraft;
  /** The node's name, or what stands for it. */
  readonly name: string;
  readonly cluster: ClusterDraft;
  readonly report: Report;
  /** The cluster file, for second places only. */
  readonly clusterPlaces: Report;
}

/** What must hold between the node's file and the cluster's. */
export function checkMembership(comparison: Comparison): void {
  const { cluster, name } = comparison;
  const index = cluster.members.findIndex((member) => member.name === name);
  if (index < 0) reportStranger(comparison);
  else {
    checkAddress(comparison, index);
    checkAsn(comparison, index);
    checkPort(comparison, index);
  }
  checkPodCidrs(comparison, index);
  checkExplicitPeers(comparison);
  checkRouterId(comparison);
}

function reportStranger({ config, name, cluster, report, clusterPlaces }: Comparison): void {
  // While a member's name cannot be read, this node may be that member.
  if (cluster.members.some((member) => member.name === undefined)) return;
  const { address } = config.node;
  const place = clusterPlaces.at(["members"]);
  const names = cluster.members.flatMap((member) => member.name ?? []);
  const sameAddress = cluster.members.find(
    (member) => address !== undefined && member.address === address,
  );
  const sameHost = names.find((candidate) => hostOf(candidate) === hostOf(name));
  const meant = sameAddress?.name ?? sameHost;
  const entry = `{ name: ${name}, address: ${address ?? "ADDRESS"}, podCidrs: [CIDR] }`;
  const remedy = meant === undefined ? "" : `set node.name to ${meant}, if that is this node, or `;
  report.error(
    ["node", "name"],
    `"${name}" is not a member of the cluster: ${remedy}add \`- ${entry}\` to the members at ${place}`,
  );
}

/** Node names differ by a letter as a rule, so near misses tell nothing; a domain or capitals do. */
function hostOf(name: string): string {
  return name.toLowerCase().replace(/\..*/, "");
}

function checkAddress(
  { config, name, cluster, report, clusterPlaces }: Comparison,
  index: number,
): void {
  const { address } = config.node;
  const declared = cluster.members[index]?.address;
  if (address === undefined || declared === undefined || address === declared) return;
  const place = clusterPlaces.at(["members", index, "address"]);
  report.error(
    ["node", "address"],
    `${address} is not the address of ${name} at ${place}, ${declared}: make them the same, or leave node.address out`,
  );
}

function checkAsn(
  { config, name, cluster, report, clusterPlaces }: Comparison,
  index: number,
): void {
  const { asn } = config.node;
  const own = cluster.members[index]?.asn;
  const declared = own ?? cluster.asn;
  if (asn === undefined || declared === undefined || asn === declared) return;
  const place = clusterPlaces.at(own === undefined ? ["asn"] : ["members", index, "asn"]);
  report.error(
    ["node", "asn"],
    `the other members expect ${name} to be AS ${declared} (${place}), not ${asn}: leave node.asn out, or give the member \`asn: ${asn}\``,
  );
}

function checkPort(
  { config, name, cluster, report, clusterPlaces }: Comparison,
  index: number,
): void {
  const { port } = config.listen;
  const dialled = cluster.members[index]?.port;
  if (port === undefined || dialled === undefined || port === dialled) return;
  const place = clusterPlaces.at(["members", index, "port"]);
  report.warn(
    ["listen", "port"],
    `the other members dial ${name} on port ${dialled} (${place}), not ${port}: leave listen.port out, or give the member \`port: ${port}\``,
  );
}

function checkPodCidrs(comparison: Comparison, index: number): void {
  const { config, name, cluster, report, clusterPlaces } = comparison;
  const declared = cluster.members[index]?.podCidrs.flatMap((prefix) => prefix?.text ?? []) ?? [];
  const others = podCidrEntries(cluster).filter((entry) => entry.member !== index);
  for (const [position, prefix] of config.node.podCidrs.entries()) {
    if (prefix === undefined) continue;
    const path = ["node", "podCidrs", position];
    const outside = outsidePools(prefix, cluster);
    if (outside !== undefined) report.error(path, outside);
    const other = others.find((entry) => prefixesOverlap(entry.prefix, prefix));
    if (other !== undefined) {
      const place = clusterPlaces.at(other.path);
      report.error(path, overlapMessage({ prefix, owner: name, member: index }, other, place));
    } else if (declared.length > 0 && !declared.includes(prefix.text)) {
      const place = clusterPlaces.at(["members", index, "podCidrs"]);
      report.error(
        path,
        `${prefix.text} is not among the pod CIDRs of ${name} at ${place}: add it there, or leave node.podCidrs out`,
      );
    }
  }
  // Those that could not be read are there, too.
  if (
    cluster.members[index]?.podCidrs.length === 0 &&
    config.node.podCidrs.length === 0 &&
    config.node.podCidrsInterface === undefined
  ) {
    report.warn(
      ["node"],
      `${name} has no pod CIDR, so it announces nothing: give its member podCidrs`,
    );
  }
}

function checkExplicitPeers({ config, name, cluster, report, clusterPlaces }: Comparison): void {
  const speakers = (["members", "reflectors"] as const).flatMap((list) =>
    cluster[list].map((speaker, index) => ({ ...speaker, path: [list, index] })),
  );
  for (const [index, { address }] of config.peers.entries()) {
    if (address === undefined) continue;
    const speaker = speakers.find((candidate) => candidate.address === address);
    const path = ["peers", index, "address"];
    if (speaker?.name === name || address === config.node.address) {
      report.error(path, `${address} is this node itself: give the peer's address`);
    } else if (speaker !== undefined) {
      const place = clusterPlaces.at(speaker.path);
      report.error(
        path,
        `${address} is ${speaker.name ?? "a speaker"} of the cluster at ${place}, which is a peer already: remove this one`,
      );
    }
  }
}

function checkRouterId({ config, name, cluster, report, clusterPlaces }: Comparison): void {
  const { routerId } = config.node;
  if (routerId === undefined) return;
  const index = cluster.members.findIndex(
    (member) => member.address === routerId && member.name !== name,
  );
  if (index < 0) return;
  const place = clusterPlaces.at(["members", index, "address"]);
  const whose = cluster.members[index]?.name ?? "another member";
  report.warn(
    ["node", "routerId"],
    `${routerId} is the address of ${whose} at ${place}, which uses it as its own: give another, or leave it out`,
  );
}
