import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";

const pool = { podPools: ["10.233.0.0/16"] };
const a1 = { name: "a1", address: "192.168.1.2", podCidrs: ["10.233.1.0/24"] };
const a2 = { name: "a2", address: "192.168.1.3", podCidrs: ["10.233.2.0/24"] };

describe("reading the configuration again", { timeout: 60_000 * SLOWNESS }, () => {
  const network = new Network("mgrl");
  const directory = mkdtempSync(join(tmpdir(), "margay-reload-"));
  let margay: Margay;

  before(async () => {
    const segment = await network.segment("seg");
    const namespace = await network.namespace("a1");
    await network.plug(namespace, "eth0", segment, `${a1.address}/24`);
    margay = new Margay(namespace, join(directory, "a1"));
    margay.configure({ node: { name: "a1" } }, { ...pool, members: [a1, a2] });
    await margay.startNode();
  });
  after(async () => {
    await margay?.kill();
    await network.destroy();
    rmSync(directory, { recursive: true });
  });

  const peers = async (): Promise<string[]> => (await margay.peers()).map(({ name }) => name);
  const unreachable = async (): Promise<string> =>
    margay.namespace.run(["ip", "route", "show", "type", "unreachable"]);

  test("a bad file keeps the running configuration, and status and log say so", async () => {
    writeFileSync(margay.configFile, "node: { name: a1 }\ncluster: { fiel: cluster.yaml }\n");
    margay.daemon.signal("SIGHUP");
    const config = await until("the refusal to show in status", async () => {
      const { config: now } = await margay.status();
      return now?.lastReloadOk === false ? now : undefined;
    });
    assert.match(config.problems.join("\n"), /node\.yaml:2:12: .*did you mean "?file/);
    assert.deepEqual(await peers(), ["a2"]);
    const refused = /the configuration was refused: the running one stays in force/;
    await until("the refusal in the log", () => Promise.resolve(refused.test(margay.log())));
    const { code } = await margay.cli("status", "--check");
    assert.equal(code, 1);
  });

  test("a good one puts it right, and applies what changed without a restart", async () => {
    const { pid } = margay.daemon;
    const a3 = { name: "a3", address: "192.168.1.4", podCidrs: ["10.233.3.0/24"] };
    const grown = { ...a1, podCidrs: ["10.233.1.0/24", "10.233.9.0/24"] };
    margay.configure({ node: { name: "a1" } }, { ...pool, members: [grown, a3] });
    margay.daemon.signal("SIGHUP");
    await until("the new cluster to be in force", async () => (await peers()).includes("a3"));
    const { config } = await margay.status();
    assert.equal(config?.lastReloadOk, true);
    assert.deepEqual(await peers(), ["a3"]);
    await until("the new pod CIDR to be originated and guarded", async () => {
      const route = await margay.route("10.233.9.0/24");
      return (
        route?.candidates[0]?.peer === "local" && /10\.233\.9\.0\/24/.test(await unreachable())
      );
    });
    assert.equal(margay.daemon.pid, pid);
    assert.ok(margay.daemon.alive);
  });

  test("what needs a restart is named", async () => {
    const node = { node: { name: "a1" }, kernel: { metric: 7 } };
    margay.configure(node, { ...pool, members: [a1, a2] });
    margay.daemon.signal("SIGHUP");
    await until("the members to be those of the file", async () => (await peers()).includes("a2"));
    await until("the log to name it", () =>
      /kernel\.metric changes at the next start/.test(margay.log()),
    );
  });
});
