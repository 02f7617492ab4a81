import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Candidate } from "../../src/gen/margay/v1/route_pb.ts";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignSpeaker,
} from "../support/foreign/index.ts";
import { ExaBgp } from "../support/foreign/exabgp.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";

const asn = 64_512;
const MARGAY = "192.0.2.1";
const FOREIGN = "192.0.2.2";
/** Each announces the same prefix, with itself as next hop. */
const ORIGINATORS = ["192.0.2.11", "192.0.2.12"] as const;
const PREFIX = "10.233.1.0/24";
const timers = { holdTimeSeconds: 9, connectRetrySeconds: 1, idleHoldSeconds: 0.2 };

/** margay, a foreign daemon, and two margay speakers that announce one prefix to one of them. */
class AddPathLab implements AsyncDisposable {
  readonly margay: Margay;
  readonly foreign: ForeignSpeaker;
  readonly originators: Margay[] = [];
  readonly #network: Network;
  readonly #directory: string;

  private constructor(
    network: Network,
    directory: string,
    [margay, foreign]: readonly [Namespace, Namespace],
    kind: DaemonKind,
  ) {
    this.#network = network;
    this.#directory = directory;
    this.margay = new Margay(margay, join(directory, "margay"));
    this.foreign = FOREIGN_SPEAKERS[kind](foreign, join(directory, kind));
  }

  /** @param to whom the originators announce */
  static async build(prefix: string, kind: DaemonKind, to: string): Promise<AddPathLab> {
    const network = new Network(`mgi-${prefix}-${kind}`);
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): Promise<Namespace> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    const directory = mkdtempSync(join(tmpdir(), "mga-"));
    const namespaces = [await plugged("margay", MARGAY), await plugged(kind, FOREIGN)] as const;
    const lab = new AddPathLab(network, directory, namespaces, kind);
    for (const [index, address] of ORIGINATORS.entries()) {
      const name = `from${index}`;
      const originator = new Margay(await plugged(name, address), join(directory, name));
      lab.originators.push(originator);
      await originator.startSpeaker(originatorFile(address, to, [PREFIX]));
    }
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.margay, this.foreign, ...this.originators];
    await Promise.allSettled(all.map((one) => one.stop()));
    await this.#network.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function originatorFile(
  address: string,
  to: string,
  prefixes: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    asn,
    listen: { address },
    timers,
    peers: [{ address: to, asn }],
    originate: prefixes.map((prefix) => ({ prefix })),
  };
}

async function paths(margay: Margay): Promise<readonly Candidate[]> {
  return (await margay.route(PREFIX))?.candidates ?? [];
}

scenarios("ADD-PATH (RFC 7911): received by margay", async (kind) => {
  await using lab = await AddPathLab.build("apr", kind, FOREIGN);
  const { margay, foreign } = lab;
  await margay.startSpeaker({
    asn,
    listen: { address: MARGAY },
    timers,
    peers: [{ address: FOREIGN, asn, addPath: { receive: true } }],
  });
  await foreign.start({
    address: FOREIGN,
    asn,
    routerId: FOREIGN,
    holdTimeSeconds: 9,
    originate: [],
    peers: [
      { address: MARGAY, asn, reflectorClient: true, addPath: "send" },
      ...ORIGINATORS.map((address) => ({ address, asn, reflectorClient: true })),
    ],
  });
  const change = async (announced: boolean): Promise<void> => {
    const [first] = ORIGINATORS;
    if (foreign instanceof ExaBgp) {
      const verb = announced ? "announce" : "withdraw";
      foreign.command(`${verb} route ${PREFIX} next-hop ${first} path-information 0.0.0.1`);
      return;
    }
    const [originator] = lab.originators;
    originator?.configureSpeaker(originatorFile(first, FOREIGN, announced ? [PREFIX] : []));
    originator?.daemon.signal("SIGHUP");
  };
  if (foreign instanceof ExaBgp) {
    await change(true);
    foreign.command(
      `announce route ${PREFIX} next-hop ${ORIGINATORS[1]} path-information 255.0.0.2`,
    );
  }
  const both = await until("both paths", async () => {
    const found = await paths(margay);
    return found.length === 2 && found;
  });
  assert.deepEqual(both.map(({ nextHop }) => nextHop).toSorted(), [...ORIGINATORS]);
  const ids = both.map(({ pathId }) => pathId);
  assert.ok(ids[0] !== undefined && ids[1] !== undefined && ids[0] !== ids[1], ids.join(" "));
  if (foreign instanceof ExaBgp) assert.deepEqual(new Set(ids), new Set([1, 0xff00_0002]));
  const negotiated = (await margay.peer(FOREIGN))?.negotiated;
  assert.partialDeepStrictEqual(negotiated?.addPath, [
    { family: "ipv4-unicast", receive: true, send: false },
  ]);
  await change(false);
  const [left] = await until("one path to go", async () => {
    const found = await paths(margay);
    return found.length === 1 && found;
  });
  const kept = both.find(({ nextHop }) => nextHop === ORIGINATORS[1]);
  assert.deepEqual([left?.nextHop, left?.pathId, left?.best], [ORIGINATORS[1], kept?.pathId, true]);
  await change(true);
  await until("it to come back", async () => (await paths(margay)).length === 2);
  assert.equal((await margay.peer(FOREIGN))?.flaps, 0);
});

scenarios("ADD-PATH (RFC 7911): sent by margay", async (kind) => {
  await using lab = await AddPathLab.build("aps", kind, MARGAY);
  const { margay, foreign } = lab;
  const file = (send: number | "all") => ({
    asn,
    listen: { address: MARGAY },
    timers,
    peers: [
      { address: FOREIGN, asn, client: true, addPath: { send } },
      ...ORIGINATORS.map((address) => ({ address, asn, client: true })),
    ],
  });
  await margay.startSpeaker(file("all"));
  await foreign.start({
    address: FOREIGN,
    asn,
    routerId: FOREIGN,
    holdTimeSeconds: 9,
    originate: [],
    peers: [{ address: MARGAY, asn, addPath: "receive" }],
  });
  const nextHops = async (count: number): Promise<readonly string[]> =>
    until(`${kind} to have ${count} paths`, async () => {
      const found = (await foreign.routes()).filter(({ prefix }) => prefix === PREFIX);
      return found.length === count && found.map(({ nextHop }) => nextHop).toSorted();
    });
  assert.deepEqual(await nextHops(2), [...ORIGINATORS]);
  const ids = (await paths(margay)).map(({ sentPathId }) => sentPathId);
  assert.deepEqual(new Set(ids), new Set([1, 2]));
  assert.partialDeepStrictEqual((await margay.peer(FOREIGN))?.negotiated?.addPath, [
    { family: "ipv4-unicast", receive: false, send: true },
  ]);
  const [first, second] = ORIGINATORS;
  const [originator] = lab.originators;
  const announce = (prefixes: readonly string[]): void => {
    originator?.configureSpeaker(originatorFile(first, MARGAY, prefixes));
    originator?.daemon.signal("SIGHUP");
  };
  announce([]);
  assert.deepEqual(await nextHops(1), [second]);
  announce([PREFIX]);
  assert.deepEqual(await nextHops(2), [...ORIGINATORS]);
  // The best alone, then both again, under the same session.
  margay.configureSpeaker(file(1));
  margay.daemon.signal("SIGHUP");
  assert.deepEqual(await nextHops(1), [first]);
  margay.configureSpeaker(file(2));
  margay.daemon.signal("SIGHUP");
  assert.deepEqual(await nextHops(2), [...ORIGINATORS]);
  assert.equal((await margay.peer(FOREIGN))?.flaps, 0);
  assert.equal(await foreign.peerState(MARGAY), "Established");
});
