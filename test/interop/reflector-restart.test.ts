import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
import { type LabClient, ReflectorLab } from "./support/reflector-lab.ts";
import { programNoKernel, scenarios } from "./support/scenario.ts";

const REFLECTOR = 250;
const ADDRESS = `192.0.2.${REFLECTOR}`;
/** Waits 15 s at most, and 5 s for whoever has yet to come. */
const DEFER = ["--end-of-rib-defer", "15"];

describe("a margay reflector that is killed and comes back", () => {
  let lab: ReflectorLab;
  before(async () => {
    lab = await ReflectorLab.build("mgi-rrr");
    await lab.startReflector(REFLECTOR, DEFER);
    for (const [index, kind] of (["margay", "margay", "bird", "frr"] as const).entries()) {
      await lab.startClient({ kind, host: index + 1, reflectors: [ADDRESS] });
    }
    await lab.converged();
    // From here on the reflector's own wait is over: it is one that has been there for long.
    await until("the clients to be told that the table is whole", () => allTold(), {
      timeoutSeconds: 30,
    });
  });
  after(() => lab?.[Symbol.asyncDispose]());

  const foreign = (): LabClient[] => lab.clients.filter((client) => client.foreign !== undefined);
  const allTold = async (): Promise<boolean> => {
    for (const client of lab.clients) if (!(await isTold(client))) return false;
    return true;
  };

  async function isEstablished(host: number): Promise<boolean> {
    const peer = await lab.reflectors.get(ADDRESS)?.peer(`192.0.2.${host}`);
    return peer?.state === "Established";
  }

  function assertNothingLost(clients: readonly LabClient[] = lab.clients): void {
    for (const { kind, monitor, address } of clients) {
      assert.deepEqual(monitor.deleted("10.233."), [], `${kind} at ${address} lost routes`);
    }
  }

  async function restart(): Promise<void> {
    const reflector = lab.reflectors.get(ADDRESS);
    assert.ok(reflector);
    await reflector.kill();
    for (const client of foreign()) {
      await until(
        `${client.kind} to miss the reflector`,
        async () => (await client.foreign?.peerState(ADDRESS)) !== "Established",
      );
    }
    await lab.startReflector(REFLECTOR, DEFER);
  }

  test("costs no client a route", async () => {
    await restart();
    for (const host of [1, 2, 3, 4]) {
      await until(`client ${host} to be back`, () => isEstablished(host), { timeoutSeconds: 30 });
    }
    await until("all to be told that the table is whole", () => allTold(), { timeoutSeconds: 30 });
    assertNothingLost();
    await lab.converged();
  });

  scenarios(
    "client of a margay reflector that is killed (RFC 4724)",
    async (daemon) => {
      const clients = lab.clients.filter(({ kind }) => kind === daemon);
      assertNothingLost(clients);
      await lab.converged(clients);
    },
    programNoKernel,
  );

  test("costs none of them a route when one comes back late, and one has nothing to say", async () => {
    const [late] = lab.clients.filter(({ kind }) => kind === "bird");
    assert.ok(late?.foreign);
    await lab.reflectors.get(ADDRESS)?.kill();
    late.foreign.freeze(true);
    const again = await lab.startReflector(REFLECTOR, DEFER);
    for (const host of [1, 2, 4]) {
      await until(`client ${host} to be back`, () => isEstablished(host), { timeoutSeconds: 30 });
    }
    assert.equal(await again.route(late.prefix), undefined);
    assertNothingLost();
    late.foreign.freeze(false);
    await until("the late one to be back", () => isEstablished(3), { timeoutSeconds: 30 });
    await until("all to be told that the table is whole", () => allTold(), { timeoutSeconds: 30 });
    assertNothingLost();
    await lab.converged();
  });

  test("has the clients drop what does not come back, once they are told", async () => {
    const gone = lab.clients.find(({ kind }) => kind === "bird");
    assert.ok(gone?.foreign);
    await lab.reflectors.get(ADDRESS)?.kill();
    gone.foreign.freeze(true);
    await lab.startReflector(REFLECTOR, DEFER);
    const others = lab.clients.filter((client) => client !== gone);
    for (const { kind, monitor, address } of others) {
      await until(
        `${kind} at ${address} to drop ${gone.prefix}`,
        () => monitor.deleted(gone.prefix).length > 0,
        { timeoutSeconds: 40 },
      );
      assert.deepEqual(monitor.deleted("10.233."), monitor.deleted(gone.prefix), "nothing else");
    }
    gone.foreign.freeze(false);
    await lab.converged();
  });
});

/** Has the reflector's present session told the client End-of-RIB? */
async function isTold({ margay, foreign, kind }: LabClient): Promise<boolean> {
  if (margay !== undefined) {
    const routes = await margay.routes();
    return routes.every(({ candidates }) => candidates.every(({ stale }) => !stale));
  }
  return kind === "frr" ? (await foreign?.endOfRibReceived(ADDRESS)) === true : true;
}
