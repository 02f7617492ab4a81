import { formatIpAddress, ipVersionOf } from "../../net/ip-address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { VXLAN_ID, VXLAN_PORT } from "../tunnel-kind.ts";
import type { FirewallWish } from "./wish.ts";

/** The one table that is ours, of nftables' family `inet`. */
export const TABLE = "inet margay";

const VERSIONS = [4, 6] as const;
/** nft(8)'s words for an IP version. */
const words = {
  4: { ip: "ip", type: "ipv4_addr", multicast: "224.0.0.0/4" },
  6: { ip: "ip6", type: "ipv6_addr", multicast: "ff00::/8" },
} as const;
/** IP protocols of IPIP: IPv4 inside IPv4; IPv4 or IPv6 inside IPv6. */
const ipipProtocols = { 4: "4", 6: "{ 4, 41 }" } as const;

/** The table as `nft -s -p list` shows it; `undefined` when there is nothing to be in it. `nodes`: addresses. */
export function tableText(wish: FirewallWish, nodes: readonly string[]): string | undefined {
  const { guarded, masqueraded, pods } = wish;
  const sets: string[] = [];
  const chains: string[] = [];
  if (guarded.length > 0) {
    for (const version of VERSIONS) {
      const own = nodesOf(nodes, version);
      sets.push(set(`nodes${version}`, words[version].type, own, false));
    }
    chains.push(chain("guard", "filter hook input priority filter", guardRules(wish)));
  }
  const rules: string[] = [];
  for (const version of VERSIONS) {
    const { ip, type, multicast } = words[version];
    const sources = masqueraded.filter((prefix) => prefix.version === version);
    if (sources.length === 0) continue;
    const inside = pods.filter((prefix) => prefix.version === version).map(element);
    sets.push(set(`inside${version}`, type, [...inside, multicast], true));
    sets.push(set(`masqueraded${version}`, type, sources.map(element), true));
    rules.push(
      `${ip} saddr @masqueraded${version} ${ip} daddr != @inside${version} counter masquerade fully-random`,
    );
  }
  if (rules.length > 0) {
    chains.push(chain("outgoing", "nat hook postrouting priority srcnat", rules));
  }
  if (chains.length === 0) return undefined;
  return `table ${TABLE} {\n${[...sets, ...chains].join("\n")}}\n`;
}

/** Puts the table in the place of whatever is there, at once; without a text it is taken away. */
export function replaceScript(text: string | undefined): string {
  return `add table ${TABLE}\ndelete table ${TABLE}\n${text ?? ""}`;
}

/** Brings the sets of nodes from one content to another, at once; `undefined` when they are the same. */
export function nodesScript(
  before: readonly string[],
  after: readonly string[],
): string | undefined {
  const lines: string[] = [];
  for (const version of VERSIONS) {
    const [old, now] = [nodesOf(before, version), nodesOf(after, version)];
    for (const [verb, from, without] of [
      ["delete", old, new Set(now)],
      ["add", now, new Set(old)],
    ] as const) {
      const elements = from.filter((address) => !without.has(address));
      if (elements.length === 0) continue;
      lines.push(`${verb} element ${TABLE} nodes${version} { ${elements.join(", ")} }\n`);
    }
  }
  return lines.length === 0 ? undefined : lines.join("");
}

/** The nodes that a listing of the table has. */
export function nodesIn(listing: string): string[] {
  const sets = listing.matchAll(/set nodes[46] \{[^{}]*elements = \{([^{}]*)\}/g);
  return [...sets]
    .flatMap(([, elements = ""]) => elements.split(",").map((text) => text.trim()))
    .filter((text) => ipVersionOf(text) !== undefined);
}

/** A listing without what says nothing: the order of elements, blanks and line ends. */
export function canonical(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/\{ ([^{}]*) \}/g, (_, list: string) => `{ ${list.split(", ").sort().join(", ")} }`)
    .trim();
}

function guardRules({ guarded }: FirewallWish): string[] {
  const rules: string[] = [];
  for (const version of VERSIONS) {
    const stranger = `${words[version].ip} saddr != @nodes${version} counter drop`;
    if (guarded.includes("ipip")) {
      rules.push(`meta l4proto ${ipipProtocols[version]} ${stranger}`);
    }
    if (guarded.includes("vxlan")) {
      // The network number: 24 bits after the UDP header's 64 and 32 more.
      const ours = `@th,96,24 0x${VXLAN_ID.toString(16)}`;
      rules.push(`udp dport ${VXLAN_PORT} ${ours} ${stranger}`);
    }
  }
  return rules;
}

function set(
  name: string,
  type: string,
  elements: readonly string[],
  isOfPrefixes: boolean,
): string {
  const lines = [`type ${type}`];
  if (isOfPrefixes) lines.push("flags interval");
  if (elements.length > 0) lines.push(`elements = { ${elements.join(", ")} }`);
  return block(`set ${name}`, lines);
}

function chain(name: string, hook: string, rules: readonly string[]): string {
  return block(`chain ${name}`, [`type ${hook}; policy accept;`, ...rules]);
}

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

function nodesOf(nodes: readonly string[], version: 4 | 6): string[] {
  return nodes.filter((address) => address.includes(":") === (version === 6));
}

/** nft(8) shows a host without its length. */
function element({ text, octets, length }: Prefix): string {
  return length === octets.length * 8 ? formatIpAddress(octets) : text;
}
