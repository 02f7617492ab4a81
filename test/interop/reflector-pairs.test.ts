import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Margay } from "../support/margay.ts";
import { until } from "../support/until.ts";
import { ReflectorLab } from "./support/reflector-lab.ts";
import { DAEMONS, scenario, scenarios } from "./support/scenario.ts";

const A = 250;
const B = 251;
const address = (host: number): string => `192.0.2.${host}`;
const defer = ["--end-of-rib-defer", "12"];
const peerOf = (host: number): string[] => ["--peer", address(host)];
/** Whose kernels show what a restart costs, and everybody. */
const watched = ["margay", "bird", "frr"] as const;
const kinds = ["margay", ...DAEMONS] as const;

/** What a reflector thinks of the paths to a prefix: from whom, and whether it is best or why not. */
async function paths(reflector: Margay, prefix: string): Promise<readonly string[]> {
  const candidates = (await reflector.route(prefix))?.candidates ?? [];
  return candidates.map(({ peer, status, reason }) => `${peer} ${status} ${reason?.name}`).sort();
}

function assertNothingLost(lab: ReflectorLab): void {
  for (const { kind, monitor, address: at } of lab.clients) {
    assert.deepEqual(monitor.deleted("10.233."), [], `${kind} at ${at} lost routes`);
  }
}

/** Kills a reflector, waits until those it talked to miss it, and starts it again. */
async function restart(lab: ReflectorLab, host: number, options: readonly string[]): Promise<void> {
  await kill(lab, host);
  await lab.startReflector(host, options);
}

async function kill(lab: ReflectorLab, host: number): Promise<void> {
  const gone = lab.reflector(host);
  const sessions = (await gone.peers()).filter(({ state }) => state === "Established");
  await gone.kill();
  for (const { foreign, kind, address: at } of lab.clients) {
    if (foreign === undefined || !sessions.some((peer) => peer.address === at)) continue;
    await until(
      `${kind} to miss the reflector`,
      async () => (await foreign.peerState(address(host))) !== "Established",
    );
  }
}

async function settled(lab: ReflectorLab, host: number, sessions: number): Promise<void> {
  await until(
    `${sessions} sessions at ${address(host)}`,
    async () =>
      (await lab.reflector(host).peers()).filter(({ state }) => state === "Established").length ===
      sessions,
    { timeoutSeconds: 40 },
  );
  await until(
    "no path to be kept over a restart any more",
    async () => {
      const nodes = lab.clients.flatMap(({ margay }) => margay ?? []);
      for (const margay of [...nodes, ...lab.reflectors.values()]) {
        const routes = await margay.routes();
        if (routes.some(({ candidates }) => candidates.some(({ stale }) => stale))) return false;
      }
      return true;
    },
    { timeoutSeconds: 40 },
  );
}

describe("two reflectors of one cluster, each with all clients", () => {
  let lab: ReflectorLab;
  const cluster = ["--cluster-id", "10.0.0.1", ...defer];
  before(async () => {
    lab = await ReflectorLab.build("mgi-rr1");
    await lab.startReflector(A, [...peerOf(B), ...cluster]);
    await lab.startReflector(B, [...peerOf(A), ...cluster]);
    for (const [index, kind] of kinds.entries()) {
      await lab.startClient({ kind, host: index + 1, reflectors: [address(A), address(B)] });
    }
    for (const host of [A, B]) await settled(lab, host, kinds.length + 1);
    await lab.converged();
  });
  after(() => lab?.[Symbol.asyncDispose]());

  scenarios("client of two margay reflectors (RFC 4456): one cluster", async (kind) => {
    const client = lab.clients.find((one) => one.kind === kind);
    const routes = (await client?.foreign?.routes()) ?? [];
    assert.equal(routes.length, 10, "two paths to each of five prefixes");
    for (const { clusterList } of routes) assert.deepEqual(clusterList, ["10.0.0.1"]);
  });

  test("drop what the other has reflected", async () => {
    for (const { prefix, address: from } of lab.clients) {
      const expected = [`${from} best best`, `${address(B)} ineligible own-cluster-id`];
      assert.deepEqual(await paths(lab.reflector(A), prefix), expected.sort());
    }
  });

  test("are one too many for anybody to miss the other", async () => {
    await settled(lab, A, kinds.length + 1);
    await restart(lab, A, [...peerOf(B), ...cluster]);
    await settled(lab, A, kinds.length + 1);
    assertNothingLost(lab);
    await lab.converged();
  });
});

describe("two reflectors of a cluster each, each with clients of its own", () => {
  let lab: ReflectorLab;
  const ownOf = (index: number): number => (index < watched.length ? A : B);
  before(async () => {
    lab = await ReflectorLab.build("mgi-rr2");
    await lab.startReflector(A, [...peerOf(B), ...defer]);
    await lab.startReflector(B, [...peerOf(A), ...defer]);
    for (const [index, kind] of [...watched, ...kinds].entries()) {
      await lab.startClient({ kind, host: index + 1, reflectors: [address(ownOf(index))] });
    }
    await lab.converged();
  });
  after(() => lab?.[Symbol.asyncDispose]());

  for (const [index, kind] of [...watched, ...kinds].entries()) {
    if (kind === "margay") continue;
    scenario("client of two margay reflectors (RFC 4456): a cluster each", kind, async () => {
      const client = lab.clients[index];
      const lists = ((await client?.foreign?.routes()) ?? []).map(({ prefix, clusterList }) => {
        return `${prefix} ${clusterList?.join(" ")}`;
      });
      const own = ownOf(index);
      const expected = lab.clients.flatMap((other, at) => {
        if (other === client) return [];
        const others = ownOf(at);
        const list = others === own ? [own] : [own, others];
        return `${other.prefix} ${list.map(address).join(" ")}`;
      });
      assert.deepEqual(lists.sort(), expected.sort());
    });
  }

  test("hand each other what clients said, and no more", async () => {
    for (const [index, { prefix, address: from }] of lab.clients.entries()) {
      const own = ownOf(index);
      const other = own === A ? B : A;
      assert.deepEqual(await paths(lab.reflector(own), prefix), [`${from} best best`]);
      assert.deepEqual(await paths(lab.reflector(other), prefix), [`${address(own)} best best`]);
    }
  });

  test("cost nobody a route when one is killed and comes back, nor when both are", async () => {
    await settled(lab, A, watched.length + 1);
    await restart(lab, A, [...peerOf(B), ...defer]);
    await settled(lab, A, watched.length + 1);
    assertNothingLost(lab);
    await kill(lab, A);
    await kill(lab, B);
    await lab.startReflector(B, [...peerOf(A), ...defer]);
    await lab.startReflector(A, [...peerOf(B), ...defer]);
    await settled(lab, A, watched.length + 1);
    await settled(lab, B, kinds.length + 1);
    assertNothingLost(lab);
    await lab.converged();
  });
});

describe("a margay reflector beside one of another kind", () => {
  scenarios(
    "other reflector beside a margay reflector (RFC 4456)",
    async (daemon) => {
      await using lab = await ReflectorLab.build(`mgi-rr4-${daemon}`);
      await lab.startReflector(A, ["--accept", "192.0.2.0/28", ...peerOf(B), ...defer]);
      await lab.startForeignReflector(daemon, B, {
        peers: [address(A)],
        clients: [address(3), address(4)],
      });
      for (const host of [1, 2, 3, 4]) {
        await lab.startClient({
          kind: "margay",
          host,
          reflectors: [address(host < 3 ? A : B)],
        });
      }
      await lab.converged();
      const ours = await lab.clients[3]?.margay?.route("10.233.1.0/24");
      assert.deepEqual(ours?.candidates[0]?.clusterList, [address(B), address(A)]);
      const theirs = await lab.clients[0]?.margay?.route("10.233.4.0/24");
      // GoBGP writes CLUSTER_LIST and ORIGINATOR_ID towards its clients only.
      const isBare = daemon === "gobgp";
      const list = isBare ? [address(A)] : [address(A), address(B)];
      assert.deepEqual(theirs?.candidates[0]?.clusterList, list);
      assert.equal(theirs?.candidates[0]?.originatorId, address(isBare ? B : 4));
    },
    { exabgp: "ExaBGP reflects nothing" },
  );
});

describe("two layers of reflectors", () => {
  const UPPER = 249;
  let lab: ReflectorLab;
  const lower = ["--accept", "192.0.2.0/28", ...peerOf(UPPER), ...defer];
  before(async () => {
    lab = await ReflectorLab.build("mgi-rr3");
    await lab.startReflector(UPPER, ["--accept", "192.0.2.240/28", ...defer]);
    await lab.startReflector(A, lower);
    await lab.startReflector(B, lower);
    for (const [index, kind] of ["margay", "bird", "margay", "frr"].entries()) {
      await lab.startClient({
        kind: kind as (typeof watched)[number],
        host: index + 1,
        reflectors: [address(index < 2 ? A : B)],
      });
    }
    await lab.converged();
  });
  after(() => lab?.[Symbol.asyncDispose]());

  test("pass every route through all three", async () => {
    const bird = lab.clients.find(({ kind }) => kind === "bird");
    const far = (await bird?.foreign?.routes())?.find(({ prefix }) => prefix === "10.233.3.0/24");
    assert.deepEqual(far?.clusterList, [address(A), address(UPPER), address(B)]);
    assert.equal(far?.originatorId, address(3));
  });

  test("cost nobody a route when one of either is killed and comes back", async () => {
    await settled(lab, UPPER, 2);
    await restart(lab, A, lower);
    await settled(lab, A, 3);
    assertNothingLost(lab);
    await restart(lab, UPPER, ["--accept", "192.0.2.240/28", ...defer]);
    await settled(lab, UPPER, 2);
    assertNothingLost(lab);
    await lab.converged();
  });
});

scenarios("client-to-client reflection switched off (RFC 4456 §4)", async (kind) => {
  await using lab = await ReflectorLab.build(`mgi-ctc-${kind}`);
  const reflector = await lab.startReflector(A, ["--clients-meshed", ...peerOf(B)]);
  await lab.startReflector(B, peerOf(A));
  const ours = await lab.startClient({ kind: "margay", host: 2, reflectors: [address(A)] });
  const theirs = await lab.startClient({ kind, host: 3, reflectors: [address(A)] });
  const other = await lab.startClient({ kind: "margay", host: 4, reflectors: [address(B)] });
  // Clients of the other reflector are sent what both clients of this one announce …
  await lab.converged([other]);
  // … and they are sent what those announce, but not each other's.
  for (const client of [theirs, ours]) {
    await until(`${client.kind} to have the other cluster's route`, async () => {
      return !(await lab.missing(client)).includes(other.prefix);
    });
  }
  assert.deepEqual(await lab.missing(theirs), [ours.prefix]);
  assert.deepEqual(await lab.missing(ours), [theirs.prefix]);
  const clients = (await reflector.peers()).filter(({ reflectorClient }) => reflectorClient);
  const sent = clients.map(({ families }) => families.map(({ advertised }) => advertised));
  assert.deepEqual(sent, [[1], [1]]);
});
