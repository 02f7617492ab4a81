import { cidrRange } from "../net/cidr.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import { hostPrefix, type Prefix, prefixContains, prefixFromOctets } from "../net/prefix.ts";
import { findOverlaps } from "../net/prefix-order.ts";
import type { ClusterFile } from "./cluster-schema.ts";
import type { Draft } from "./draft.ts";
import type { ConfigPath } from "./problem.ts";
import type { Report } from "./report.ts";

export type ClusterDraft = Draft<ClusterFile>;

/** A pod CIDR and whose it is. */
export interface OwnedPrefix {
  readonly prefix: Prefix;
  /** Index of the member; -1 for a node that is none. */
  readonly member: number;
  /** The member's name, or what stands for it. */
  readonly owner: string;
}

/** The same, and where it stands. */
export interface PodCidrEntry extends OwnedPrefix {
  readonly path: ConfigPath;
}

/** What must hold between the values of the cluster file. */
export function checkCluster(cluster: ClusterDraft, report: Report): void {
  checkUnique(cluster, "name", report);
  checkUnique(cluster, "address", report);
  checkPools(cluster, report);
  checkTopology(cluster, report);
  const entries = podCidrEntries(cluster);
  checkOverlaps(entries, report);
  for (const entry of entries) {
    const problem = outsidePools(entry.prefix, cluster);
    if (problem !== undefined) report.error(entry.path, problem);
  }
  checkAddressesOutsidePods(cluster, entries, report);
  checkIpv6Members(cluster, report);
  checkSubnets(cluster, report);
  for (const [index, { prefix }] of cluster.poolSettings.entries()) {
    const problem = prefix && outsidePools(prefix, cluster);
    if (problem !== undefined) report.error(["poolSettings", index, "prefix"], problem);
  }
}

/** IPv6 pods need an IPv6 next hop. */
function checkIpv6Members(cluster: ClusterDraft, report: Report): void {
  for (const [index, { name, address6, podCidrs }] of cluster.members.entries()) {
    const position = podCidrs.findIndex((prefix) => prefix?.version === 6);
    if (position < 0 || address6 !== undefined) continue;
    const whose = name ?? `members[${index}]`;
    report.error(
      ["members", index, "podCidrs", position],
      `${whose} has IPv6 pods and no IPv6 address to reach them by: give it address6`,
    );
  }
}

/** A node is in the subnet that it says it is in. */
function checkSubnets(cluster: ClusterDraft, report: Report): void {
  for (const [index, member] of cluster.members.entries()) {
    for (const key of ["subnet", "subnet6"] as const) {
      const subnet = member[key];
      const address = subnet?.version === 6 ? member.address6 : member.address;
      const octets = address === undefined ? undefined : parseIpAddress(address);
      if (subnet === undefined || octets === undefined) continue;
      if (prefixContains(subnet, hostPrefix(octets))) continue;
      const remedy = `give the subnet that its interface is in, such as ${prefixFromOctets(octets, subnet.length).text}`;
      report.error(["members", index, key], `${subnet.text} does not hold ${address}: ${remedy}`);
    }
  }
}

interface Speaker {
  readonly name: string | undefined;
  readonly address: string | undefined;
  readonly path: ConfigPath;
}

function speakersOf(cluster: ClusterDraft): Speaker[] {
  return (["members", "reflectors"] as const).flatMap((list) =>
    cluster[list].map(({ name, address }, index) => ({ name, address, path: [list, index] })),
  );
}

/** The pod CIDRs of all members, in the file's order. */
export function podCidrEntries(cluster: ClusterDraft): PodCidrEntry[] {
  return cluster.members.flatMap((member, index) =>
    member.podCidrs.flatMap((prefix, position) => {
      if (prefix === undefined) return [];
      const path = ["members", index, "podCidrs", position];
      return [{ prefix, member: index, owner: member.name ?? `members[${index}]`, path }];
    }),
  );
}

function checkUnique(cluster: ClusterDraft, key: "name" | "address", report: Report): void {
  const seen = new Map<string, Speaker>();
  for (const speaker of speakersOf(cluster)) {
    const value = speaker[key];
    if (value === undefined) continue;
    const first = seen.get(value);
    if (first === undefined) {
      seen.set(value, speaker);
      continue;
    }
    const whose = key === "address" && first.name !== undefined ? ` of ${first.name}` : "";
    report.error(
      [...speaker.path, key],
      `${value} is already the ${key}${whose} at ${report.at([...first.path, key])}: each needs its own`,
    );
  }
}

function checkPools(cluster: ClusterDraft, report: Report): void {
  const entries = cluster.podPools.flatMap((prefix, index) =>
    prefix === undefined ? [] : [{ prefix, index }],
  );
  for (const { outer, inner } of findOverlaps(entries)) {
    const place = report.at(["podPools", outer.index]);
    const where = `${inner.prefix.text} is already in the pool ${outer.prefix.text} at ${place}`;
    report.warn(["podPools", inner.index], `${where}: it can go`);
  }
}

function checkTopology(cluster: ClusterDraft, report: Report): void {
  if (cluster.topology === "reflector" && cluster.reflectors.length === 0) {
    const example = "reflectors: [{ name: rr1, address: 192.168.1.250 }]";
    report.error(["topology"], `the topology reflector needs reflectors: add \`${example}\``);
  }
  if (cluster.topology === "mesh" && cluster.reflectors.length > 0) {
    report.warn(["reflectors"], "not used in a mesh: write `topology: reflector`, or remove them");
  }
}

/** No address may be in two pod CIDRs, whoever has them. Of a pair the one further down is reported. */
function checkOverlaps(entries: readonly PodCidrEntry[], report: Report): void {
  const ordered = entries.map((entry, order) => ({ ...entry, order }));
  for (const { outer, inner } of findOverlaps(ordered)) {
    const [first, second] = outer.order < inner.order ? [outer, inner] : [inner, outer];
    report.error(second.path, overlapMessage(second, first, report.at(first.path)));
  }
}

/** `10.233.1.0/25 overlaps 10.233.1.0/24 of a1 at cluster.yaml:5:49: …` */
export function overlapMessage(here: OwnedPrefix, there: OwnedPrefix, place: string): string {
  const sameNode = here.member === there.member;
  const whose = sameNode ? "the same node" : there.owner;
  const remedy = sameNode
    ? "remove one of the two"
    : `give ${here.owner} a range that nobody else has`;
  return here.prefix.text === there.prefix.text
    ? `${here.prefix.text} is already a pod CIDR of ${whose} at ${place}: ${remedy}`
    : `${here.prefix.text} overlaps ${there.prefix.text} of ${whose} at ${place}: ${remedy}`;
}

/** What is wrong when no pool holds the prefix; nothing is, while a pool could not be read. */
export function outsidePools(prefix: Prefix, cluster: ClusterDraft): string | undefined {
  const pools = cluster.podPools.filter((pool) => pool !== undefined);
  if (pools.length === 0 || pools.length < cluster.podPools.length) return undefined;
  if (pools.some((pool) => prefixContains(pool, prefix))) return undefined;
  const ranges = pools.map((pool) => {
    const { first, last } = cidrRange(pool.text);
    return `${pool.text} (${first} to ${last})`;
  });
  const where = pools.length === 1 ? "the pod pool" : "every pod pool:";
  return `${prefix.text} is outside ${where} ${ranges.join(", ")}: give a range inside, or add one to podPools`;
}

/** A pod route that holds a speaker's address would swallow the way to its own next hop. */
function checkAddressesOutsidePods(
  cluster: ClusterDraft,
  entries: readonly PodCidrEntry[],
  report: Report,
): void {
  const hosts = speakersOf(cluster).flatMap(({ address, path }) => {
    const octets = address === undefined ? undefined : parseIpAddress(address);
    return octets === undefined ? [] : [{ prefix: hostPrefix(octets), address, path }];
  });
  for (const { outer, inner } of findOverlaps<PodCidrEntry | (typeof hosts)[number]>([
    ...entries,
    ...hosts,
  ])) {
    // Two speakers at one address, or a pod CIDR in another: reported elsewhere.
    if (!("owner" in outer) || !("address" in inner)) continue;
    const pods = `${outer.prefix.text} of ${outer.owner} at ${report.at(outer.path)}`;
    report.error(
      [...inner.path, "address"],
      `${inner.address} is inside the pod CIDR ${pods}: nodes and pods need different ranges`,
    );
  }
}
