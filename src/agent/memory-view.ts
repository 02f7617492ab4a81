import type { StatusView } from "../api/views.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import { groupNames } from "../bgp/rib/group-names.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";

type MemoryView = NonNullable<StatusView["memory"]>;
type TableView = NonNullable<MemoryView["tables"]>[number];
type GroupView = NonNullable<MemoryView["updateGroups"]>[number];

/** Where the memory of the daemon is. */
export function memoryView(driver: SpeakerDriver): MemoryView {
  const { receiveOctets, sendOctets } = queuedOctets(driver);
  return {
    ...processMemoryView(),
    tables: tableViews(driver),
    updateGroups: [...driver.speaker.ribs.values()].flatMap(groupViews),
    receiveQueueBytes: BigInt(receiveOctets),
    sendQueueBytes: BigInt(sendOctets),
  };
}

/** What the process takes as a whole. */
export function processMemoryView(): Pick<
  MemoryView,
  "residentBytes" | "heapBytes" | "externalBytes"
> {
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    residentBytes: BigInt(rss),
    heapBytes: BigInt(heapUsed),
    externalBytes: BigInt(external),
  };
}

/** The tables of all families, then what they share. */
export function tableViews({ speaker }: SpeakerDriver): TableView[] {
  const { attributes } = speaker;
  return [
    ...[...speaker.ribs.values()].flatMap(familyTables),
    {
      family: "",
      table: "path-attributes",
      entries: attributes.size,
      bytes: BigInt(attributes.bytes),
    },
  ];
}

function familyTables(rib: FamilyRib): TableView[] {
  const { prefixes, paths, locRib } = rib;
  const family = rib.family.name;
  return [
    { family, table: "prefixes", entries: prefixes.size, bytes: BigInt(prefixes.bytes) },
    { family, table: "adj-rib-in", entries: paths.size, bytes: BigInt(paths.bytes) },
    { family, table: "loc-rib", entries: locRib.size, bytes: BigInt(rib.locRibBytes) },
  ];
}

/** The update groups of a family. */
export function groupViews(rib: FamilyRib): GroupView[] {
  const groups = [...rib.groups()];
  const names = groupNames(groups.map(({ profile }) => profile));
  return groups.map((group, index) => {
    const { logBytes, dumpBytes, missedBytes, encoderBytes } = group.memory();
    return {
      family: rib.family.name,
      name: names[index] ?? "",
      members: group.memberCount,
      logBytes: BigInt(logBytes),
      dumpBytes: BigInt(dumpBytes),
      missedBytes: BigInt(missedBytes),
      encoderBytes: BigInt(encoderBytes),
    };
  });
}

function queuedOctets(driver: SpeakerDriver): { receiveOctets: number; sendOctets: number } {
  let receiveOctets = 0;
  let sendOctets = 0;
  for (const peer of driver.speaker.peers()) {
    receiveOctets += driver.speaker.pendingOctets(peer);
    sendOctets += driver.endpoint(peer.fsm.establishedConnection)?.queuedOctets ?? 0;
  }
  return { receiveOctets, sendOctets };
}
