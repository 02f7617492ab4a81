import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Pinger } from "../test/support/pinger.ts";
import { SLOWNESS } from "../test/support/run.ts";
import { until } from "../test/support/until.ts";
import type { LabNetwork } from "./network.ts";
import type { LabSpeakers } from "./speakers.ts";
import { NODES, peersOf, type TopologyName } from "./topology.ts";

/** One cell of the matrix: a ping that runs since before the first session. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly pinger: Pinger;
}

/** From every pod to every other, often enough to time the convergence with. */
export function startPings(network: LabNetwork): readonly Cell[] {
  const intervalMilliseconds = SLOWNESS > 1 ? 500 : 50;
  return NODES.flatMap((from) =>
    NODES.filter((to) => to.name !== from.name).map((to) => {
      const pod = network.pods.get(from.name);
      if (pod === undefined) throw new Error(`no pod on ${from.name}`);
      return {
        from: from.name,
        to: to.name,
        pinger: new Pinger(pod, to.pod, intervalMilliseconds),
      };
    }),
  );
}

/**
 * Waits until every session of the lab is Established at both of its ends.
 * @returns when the last session came up, in milliseconds since the epoch, as the margay ends of the sessions dated it
 */
export async function allEstablished(
  speakers: LabSpeakers,
  topology: TopologyName,
): Promise<number> {
  const times = await Promise.all(
    NODES.map(async (node) => {
      const peers = peersOf(node, topology);
      const margay = speakers.margays.get(node.name);
      const foreign = speakers.foreign.get(node.name);
      const established = async (address: string): Promise<number | undefined> => {
        if (foreign !== undefined)
          return (await foreign.peerState(address)) === "Established" ? 0 : undefined;
        const peer = await margay?.peer(address);
        if (peer?.state !== "Established" || peer.since === undefined) return undefined;
        return timestampDate(peer.since).getTime();
      };
      const waits = peers.map(({ name, address }) =>
        until(`${node.name} to have a session with ${name}`, () => established(address), {
          timeoutSeconds: 30,
        }),
      );
      return Math.max(...(await Promise.all(waits)));
    }),
  );
  return Math.max(...times);
}

/**
 * Waits until every cell that can answer has answered; `expected` says which those are.
 * @returns when the last of them first answered, in milliseconds since the epoch
 */
export async function allAnswer(
  cells: readonly Cell[],
  expected: (cell: Cell) => boolean,
): Promise<number> {
  const wanted = cells.filter(expected);
  await Promise.all(
    wanted.map(({ from, to, pinger }) =>
      until(`the pod on ${from} to reach the pod on ${to}`, () => {
        pinger.assertAlive();
        return pinger.replies >= 3;
      }),
    ),
  );
  return Math.max(...wanted.map(({ pinger }) => pinger.first?.at ?? 0));
}
