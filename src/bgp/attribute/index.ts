import { aggregator } from "./aggregator.ts";
import { as4Aggregator } from "./as4-aggregator.ts";
import { as4Path } from "./as4-path.ts";
import { asPath } from "./as-path.ts";
import { atomicAggregate } from "./atomic-aggregate.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { clusterList } from "./cluster-list.ts";
import { communities } from "./communities.ts";
import { extendedCommunities } from "./extended-communities.ts";
import { type JudgedAttribute, judgedAttributes } from "./judged-attributes.ts";
import { largeCommunities } from "./large-communities.ts";
import { localPref } from "./local-pref.ts";
import { mpReachNlri } from "./mp-reach-nlri.ts";
import { mpUnreachNlri } from "./mp-unreach-nlri.ts";
import { multiExitDisc } from "./multi-exit-disc.ts";
import { nextHop } from "./next-hop.ts";
import { onlyToCustomer } from "./only-to-customer.ts";
import { origin } from "./origin.ts";
import { originatorId } from "./originator-id.ts";

/** THE table, by ascending code: an attribute is one file and one entry here. */
export const attributeRows: readonly AttributeRow[] = [
  origin,
  asPath,
  nextHop,
  multiExitDisc,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  mpReachNlri,
  mpUnreachNlri,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  largeCommunities,
  onlyToCustomer,
];

const byCode: ReadonlyMap<number, AttributeRow> = new Map(
  attributeRows.map((row) => [row.code, row]),
);

/** The row of a type code, if there is one. */
export function attributeByCode(code: number): AttributeRow | undefined {
  return byCode.get(code);
}

const judgedByCode: ReadonlyMap<number, JudgedAttribute> = new Map(
  judgedAttributes.map((row) => [row.code, row]),
);

/** The row of a type code that nothing here uses, if there is one. */
export function judgedAttributeByCode(code: number): JudgedAttribute | undefined {
  return judgedByCode.get(code);
}

/** The attribute as its RFC writes it (`AS_PATH`), or `attribute 99`. */
export function attributeTitle(code: number): string {
  return (byCode.get(code) ?? judgedByCode.get(code))?.title ?? `attribute ${code}`;
}
