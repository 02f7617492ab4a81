import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Pinger } from "../test/support/pinger.ts";
import { SLOWNESS } from "../test/support/run.ts";
import { until } from "../test/support/until.ts";
import type { LabNetwork } from "./network.ts";
import type { LabSpeakers } from "./speakers.ts";
import { type LabNode, NODES, peersOf, REFLECTOR, type TopologyName } from "./topology.ts";

/** One cell of the matrix: a ping that runs since before the first session. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly pinger: Pinger;
}

/** From every pod to every other, often enough to time the convergence with. */
export function startPings(network: LabNetwork): readonly Cell[] {
  const intervalMilliseconds = SLOWNESS > 1 ? 1000 : 50;
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

/** When the sessions of the lab came up, in milliseconds since the epoch: by the names of both ends. */
export type SessionTimes = ReadonlyMap<string, number>;
const sessionKey = (one: string, other: string): string => [one, other].toSorted().join(" ");

/** Waits until every session of the lab is Established at both of its ends; the margay ends tell when that was. */
export async function allEstablished(
  speakers: LabSpeakers,
  topology: TopologyName,
): Promise<SessionTimes> {
  const times = new Map<string, number>();
  const established = async (node: LabNode, address: string): Promise<number | undefined> => {
    const foreign = speakers.foreign.get(node.name);
    if (foreign !== undefined)
      return (await foreign.peerState(address)) === "Established" ? 0 : undefined;
    const peer = await speakers.margays.get(node.name)?.peer(address);
    if (peer?.state !== "Established" || peer.since === undefined) return undefined;
    return timestampDate(peer.since).getTime();
  };
  const waits = NODES.flatMap((node) =>
    peersOf(node, topology).map(async ({ name, address }) => {
      const what = `${node.name} to have a session with ${name}`;
      const time = await until(what, () => established(node, address), { timeoutSeconds: 30 });
      const key = sessionKey(node.name, name);
      times.set(key, Math.max(time, times.get(key) ?? 0));
    }),
  );
  await Promise.all(waits);
  return times;
}

/** Waits until each of these cells has had three answers. */
export async function allAnswer(cells: readonly Cell[]): Promise<void> {
  await Promise.all(
    cells.map(({ from, to, pinger }) =>
      until(`the pod on ${from} to reach the pod on ${to}`, () => {
        pinger.assertAlive();
        return pinger.replies >= 3;
      }),
    ),
  );
}

/**
 * The longest time, in milliseconds, from the moment when all sessions between a pair of nodes were Established to the first answer of
 * the pod on the one to the pod on the other; of the pairs with a margay among them. At least 0: an answer may come before the later
 * end of the session has noticed that it is up.
 */
export function slowestPair(
  cells: readonly Cell[],
  times: SessionTimes,
  topology: TopologyName,
): number {
  const upAt = ({ from, to }: Cell): number | undefined =>
    topology === "mesh"
      ? times.get(sessionKey(from, to))
      : Math.max(...[from, to].map((name) => times.get(sessionKey(name, REFLECTOR.name)) ?? 0));
  const delays = cells.map((cell) => {
    const up = upAt(cell);
    const first = cell.pinger.first?.at;
    return up === undefined || up === 0 || first === undefined ? 0 : first - up;
  });
  return Math.max(0, ...delays);
}
