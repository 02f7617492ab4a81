import type { Prefix } from "../../net/prefix.ts";
import { type Drop, type ForwardChoice, tableName } from "./forward.ts";
import { type Nft, NftError } from "./nft.ts";

/** Something of another program's that cuts pods off, or may. */
export interface Obstacle {
  /** `inet filter forward drops packets of 10.233.0.0/16 by its rule "drop"`. */
  readonly text: string;
  readonly remedy: string;
  /** It does, and not only may. */
  readonly isSure: boolean;
  /** Whose packets; empty where that is not known. */
  readonly pods: readonly string[];
}

/** A drop in words, with the rule as nft(8) shows it. Rejects with `NftError`. */
export async function obstacleOf(drop: Drop, nft: Nft, choice: ForwardChoice): Promise<Obstacle> {
  const { table, chain, pods, isSure } = drop;
  const rule = await ruleText(drop, nft);
  const how = rule === undefined ? "by its policy" : `by its rule "${rule}"`;
  const verb = isSure ? "drops" : "may drop";
  const whose = pods.map(({ text }) => text);
  return {
    text: `${tableName(table)} ${chain} ${verb} packets of ${whose.join(", ")} ${how}`,
    remedy: remedyFor(drop, choice),
    ...{ isSure, pods: whose },
  };
}

/** Commands of iptables that let packets of these pods through. */
export function iptablesCommands(program: string, pods: readonly Prefix[]): string {
  return pods
    .flatMap(({ version, text }) => {
      const name = version === 6 ? program.replace("ip", "ip6") : program;
      return ["-s", "-d"].map((end) => `${name} -I FORWARD ${end} ${text} -j ACCEPT`);
    })
    .join("; ");
}

function remedyFor({ table, rule, pods }: Drop, choice: ForwardChoice): string {
  if (table.name === "firewalld") {
    const sources = pods.map(({ text }) => `--add-source=${text}`).join(" ");
    return `firewall-cmd --permanent --zone=trusted ${sources} && firewall-cmd --reload`;
  }
  if (table.name === "filter" && table.family !== "inet") {
    const byUs = choice === "observe" ? "`firewall.forward: accept`, or " : "";
    return `${byUs}${iptablesCommands("iptables", pods)}`;
  }
  const accepts = pods.flatMap(({ version, text }) =>
    ["saddr", "daddr"].map((end) => `${version === 6 ? "ip6" : "ip"} ${end} ${text} accept`),
  );
  const where = rule === undefined ? "into that chain" : "before that rule";
  return `put these rules ${where}: ${accepts.join("; ")}`;
}

/** `undefined` of a policy, and of a rule that is gone since. */
async function ruleText({ table, chain, rule }: Drop, nft: Nft): Promise<string | undefined> {
  if (rule === undefined) return undefined;
  try {
    const shown = await nft.list("-s", "-a", "list", "chain", table.family, table.name, chain);
    const mark = ` # handle ${rule.handle}`;
    const line = shown.split("\n").find((one) => one.endsWith(mark));
    return line?.slice(0, -mark.length).trim();
  } catch (error) {
    if (error instanceof NftError && error.isAbsent) return undefined;
    throw error;
  }
}
