import type { FamilyRib } from "../../bgp/rib/family-rib.ts";
import { groupViews, tableViews } from "../memory-view.ts";
import type { StatusSources } from "../status-view.ts";
import type { Metric, Sample } from "./metric.ts";

type GroupPart = "logBytes" | "dumpBytes" | "missedBytes" | "encoderBytes";

const groupParts: readonly (readonly [part: string, key: GroupPart])[] = [
  ["log", "logBytes"],
  ["dump", "dumpBytes"],
  ["missed", "missedBytes"],
  ["encoder", "encoderBytes"],
];

/** The tables of the speaker: how much is in them, and what memory that takes. */
export const ribMetrics: readonly Metric[] = [
  perFamily("prefixes", "Prefixes with a best path", ({ locRib }) => locRib.size),
  perFamily("paths", "Paths held of all peers", ({ paths }) => paths.size),
  perFamily(
    "undecided_prefixes",
    "Prefixes that wait for the Decision Process",
    ({ locRib }) => locRib.dirtyCount,
  ),
  {
    name: "margay_rib_path_attributes",
    help: "Distinct sets of path attributes",
    type: "gauge",
    samples: ({ driver }) => [{ value: driver.speaker.attributes.size }],
  },
  {
    name: "margay_rib_table_bytes",
    help: "Memory of a table, whether or not all of it is in use at present",
    type: "gauge",
    *samples({ driver }) {
      for (const { family = "", table = "", bytes } of tableViews(driver)) {
        yield { labels: { family, table }, value: Number(bytes) };
      }
    },
  },
  {
    name: "margay_update_group_members",
    help: "Peers that are sent the same octets",
    type: "gauge",
    *samples(sources) {
      for (const { members = 0, ...group } of groupsOf(sources)) {
        yield { labels: groupLabels(group), value: members };
      }
    },
  },
  {
    name: "margay_update_group_bytes",
    help: "Memory of an update group: log, dumps and what members missed wait for members to take them",
    type: "gauge",
    *samples(sources) {
      for (const group of groupsOf(sources)) {
        for (const [part, key] of groupParts) {
          yield { labels: { ...groupLabels(group), part }, value: Number(group[key]) };
        }
      }
    },
  },
];

function groupsOf({ driver }: StatusSources): ReturnType<typeof groupViews> {
  return [...driver.speaker.ribs.values()].flatMap(groupViews);
}

function groupLabels({ family = "", name = "" }: { family?: string; name?: string }): {
  family: string;
  group: string;
} {
  return { family, group: name };
}

function perFamily(suffix: string, help: string, count: (rib: FamilyRib) => number): Metric {
  return {
    name: `margay_rib_${suffix}`,
    help,
    type: "gauge",
    samples: ({ driver }): Sample[] =>
      [...driver.speaker.ribs.values()].map((rib) => ({
        labels: { family: rib.family.name },
        value: count(rib),
      })),
  };
}
