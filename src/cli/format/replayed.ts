import type { ReplayView } from "../../agent/replay-view.ts";
import { counted } from "./pairs.ts";
import type { Column } from "./table.ts";

type ReplayedPeer = ReplayView["peers"][number];

/** The columns of what peers were sent. */
export const replayedPeerColumns: readonly Column<ReplayedPeer>[] = [
  { header: "PEER", value: ({ address }) => address },
  {
    header: "CONNECTIONS",
    align: "right",
    value: ({ connections }) => String(connections),
  },
  { header: "OCTETS-SENT", align: "right", value: ({ octets }) => String(octets) },
  { header: "DIGEST", value: ({ digest }) => digest },
];

/** What else there is to say of a replay. */
export function replayedText(file: string, view: ReplayView): string[] {
  const { inputs, elapsedMs, rib, runs, isTruncated, difference } = view;
  const lines = [
    `${counted(inputs, "input")} in ${(elapsedMs / 1000).toFixed(3)} s; ${counted(rib.paths, "path")}, digest ${rib.digest}.`,
  ];
  if (runs > 1) lines.push(`${file} has ${runs} runs: --run shows another.`);
  if (isTruncated) lines.push("The end is missing: margay died, or is still writing it.");
  lines.push(
    difference === undefined
      ? "All that was written, and the RIBs where they were noted, are as they were recorded."
      : `Not as it was recorded: ${difference}.`,
  );
  return lines;
}
