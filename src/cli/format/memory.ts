import type { Memory, TableMemory, UpdateGroup } from "../../gen/margay/v1/status_pb.ts";
import { formatBytes } from "./bytes.ts";
import { counted, type Pair, pair } from "./pairs.ts";

/** Where a daemon's memory is. */
export function memoryPairs(memory: Memory | undefined): (Pair | undefined)[] {
  if (memory === undefined) return [];
  const { residentBytes, heapBytes, externalBytes, receiveQueueBytes, sendQueueBytes } = memory;
  const queues = `${formatBytes(receiveQueueBytes)} to work off, ${formatBytes(sendQueueBytes)} in the sockets`;
  return [
    pair("memory", [
      `${formatBytes(residentBytes)} resident; in use ${formatBytes(heapBytes)} of objects, ${formatBytes(externalBytes)} of buffers`,
    ]),
    pair("tables", memory.tables.filter(({ entries }) => entries > 0).map(tableLine)),
    pair("groups", memory.updateGroups.map(groupLine)),
    pair("queues", [queues]),
  ];
}

const entryNames: Readonly<Record<string, readonly [one: string, many: string]>> = {
  prefixes: ["prefix", "prefixes"],
  "adj-rib-in": ["path", "paths"],
  "loc-rib": ["best path", "best paths"],
  "path-attributes": ["set of attributes", "sets of attributes"],
};

function tableLine({ family, table, entries, bytes }: TableMemory): string {
  const [one, many] = entryNames[table] ?? ["entry", "entries"];
  return `${`${family} ${table}`.trim()}: ${counted(entries, one, many)} in ${formatBytes(bytes)}`;
}

function groupLine(group: UpdateGroup): string {
  const { family, name, members, logBytes, dumpBytes, missedBytes, encoderBytes } = group;
  return (
    `${family} ${name}: ${counted(members, "member")}, log ${formatBytes(logBytes)}, dumps ${formatBytes(dumpBytes)}, ` +
    `missed ${formatBytes(missedBytes)}, encoder ${formatBytes(encoderBytes)}`
  );
}
