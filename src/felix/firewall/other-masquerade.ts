import type { Prefix } from "../../net/prefix.ts";
import { fateOf } from "./fate.ts";
import { tableName } from "./forward.ts";
import { natBases, type Others } from "./others.ts";

/** Packets of pods to the outside that another program masquerades already. */
export interface OtherMasquerade {
  readonly pods: Prefix;
  /** `flannel in ip nat FLANNEL-POSTRTG`. */
  readonly by: string;
}

/** Whose a chain is, by names that are known; the first that fits. */
const owners: readonly (readonly [RegExp, string])[] = [
  [/FLANNEL|flannel/, "flannel"],
  [/KUBE-|kube-proxy/, "kube-proxy"],
  [/IP-MASQ/, "ip-masq-agent"],
  [/CNI-/, "a CNI plugin"],
  [/DOCKER|docker/, "Docker"],
  [/firewalld/, "firewalld"],
];

/** Which of these pods' packets to the outside others masquerade, all of them; what is done to some alone does not count. */
export function otherMasquerades({ nat }: Others, pods: readonly Prefix[]): OtherMasquerade[] {
  return pods.flatMap((prefix): OtherMasquerade[] => {
    for (const table of nat) {
      for (const base of natBases(table)) {
        const fate = fateOf(table, base, { direction: "from", pods: prefix });
        // kube-proxy's last rule is for all packets, after others have been sent back: those that it marked.
        if (fate.kind !== "masquerade" || !(fate.isSure || fate.isAimed)) continue;
        const place = `${tableName(table)} ${fate.chain}`;
        const owner = owners.find(([name]) => name.test(place))?.[1];
        return [{ pods: prefix, by: owner === undefined ? place : `${owner} in ${place}` }];
      }
    }
    return [];
  });
}
