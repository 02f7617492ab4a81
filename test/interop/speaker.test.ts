import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { FOREIGN_SPEAKERS, type ForeignSpeaker } from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { DAEMONS, scenario, scenarios } from "./support/scenario.ts";
import { FOREIGN_AS, MARGAY_AS, SpeakerLab, THIRD, THIRD_AS } from "./support/speaker-lab.ts";

const OURS = "192.0.2.1";
const THEIRS = "192.0.2.2";
const asn = 64_512;
const foreignAsn = 65_001;
const localAs = 65_100;
const ourPrefix = "10.233.1.0/24";
const otherPrefix = "10.234.1.0/24";
const theirPrefix = "10.233.2.0/24";

const timers = { holdTimeSeconds: 9, connectRetrySeconds: 1, idleHoldSeconds: 0.2 };
const originate = [ourPrefix, otherPrefix].map((prefix) => ({ prefix, communities: ["64512:1"] }));

for (const kind of DAEMONS) {
  describe(`margay speaker and ${kind} in another AS`, () => {
    const directory = mkdtempSync(join(tmpdir(), "mgs-"));
    const network = new Network(`mgi-spk-${kind}`);
    let margay: Margay;
    let foreign: ForeignSpeaker;

    const fileWith = (policy: Readonly<Record<string, unknown>>) => {
      // Whoever comes from the segment is the peer: the range is shown along with the rest.
      const ranges = [{ prefix: "192.0.2.0/24", asns: [foreignAsn], limit: 1, ...policy }];
      return { asn, listen: { address: OURS }, timers, ranges, originate };
    };
    const reload = async (policy: Readonly<Record<string, unknown>>): Promise<void> => {
      margay.configureSpeaker(fileWith(policy));
      margay.daemon.signal("SIGHUP");
    };
    const theirPath = async () => (await margay.route(theirPrefix))?.candidates[0];
    const told = async () => {
      const routes = await foreign.routes();
      return routes.filter(({ prefix }) => prefix === ourPrefix || prefix === otherPrefix);
    };

    before(async () => {
      const segment = await network.segment("seg");
      const plugged = async (name: string, address: string): ReturnType<Network["namespace"]> => {
        const namespace = await network.namespace(name);
        await network.plug(namespace, "eth0", segment, `${address}/24`);
        return namespace;
      };
      margay = new Margay(await plugged("margay", OURS), join(directory, "margay"));
      const make = FOREIGN_SPEAKERS[kind];
      foreign = make(await plugged(kind, THEIRS), join(directory, kind));
      await margay.startSpeaker(fileWith({}));
      await foreign.start({
        address: THEIRS,
        asn: foreignAsn,
        routerId: THEIRS,
        holdTimeSeconds: 9,
        peers: [{ address: OURS, asn }],
        originate: [theirPrefix],
      });
    });
    after(async () => {
      await Promise.allSettled([margay?.stop(), foreign?.stop()]);
      await network.destroy();
      rmSync(directory, { recursive: true, force: true });
    });

    scenario(
      "Default external route propagation (RFC 8212): without a policy nothing is taken or told",
      kind,
      async () => {
        await until("the session and its route", async () => (await theirPath()) !== undefined);
        assert.equal((await theirPath())?.reason?.name, "no-policy");
        assert.equal((await margay.peer(THEIRS))?.families[0]?.advertised, 0);
        assert.deepEqual(await told(), []);
      },
    );

    scenario(
      "Policies put in force by a reload: prefixes, LOCAL_PREF, AS_PATH; the session stays",
      kind,
      async () => {
        await reload({
          importPrefixes: ["10.233.0.0/16"],
          importLocalPref: 250,
          exportPrefixes: ["10.233.0.0/16"],
          prepend: 2,
        });
        await until("the path to be used", async () => (await theirPath())?.best);
        assert.equal((await theirPath())?.localPref, 250);
        const paths = await until(`${kind} to be told`, async () => {
          const found = await told();
          return found.length > 0 && found;
        });
        assert.deepEqual(
          paths.map(({ prefix, nextHop, asPath }) => [prefix, nextHop, asPath]),
          [[ourPrefix, OURS, [asn, asn, asn]]],
        );
        await reload({ policy: "accept-all" });
        await until(`${kind} to have both`, async () => (await told()).length === 2);
        for (const { asPath } of await told()) assert.deepEqual(asPath, [asn]);
        assert.equal((await theirPath())?.localPref, undefined);
        const peer = await margay.peer(THEIRS);
        assert.equal(peer?.state, "Established");
        assert.equal(peer?.flaps, 0);
      },
    );

    scenario("Dynamic neighbours: from a range, with a list of AS numbers", kind, async () => {
      const peer = await margay.peer(THEIRS);
      assert.equal(peer?.kind, "dynamic");
      assert.equal(peer?.remoteAsn, foreignAsn);
    });

    scenario("Local AS (RFC 7705): the AS number that the peer expects", kind, async () => {
      await foreign.stop();
      await reload({ policy: "accept-all", localAs });
      await foreign.start({
        address: THEIRS,
        asn: foreignAsn,
        routerId: THEIRS,
        holdTimeSeconds: 9,
        peers: [{ address: OURS, asn: localAs }],
        originate: [theirPrefix],
      });
      const paths = await until(`${kind} to be told`, async () => {
        const found = await told();
        return found.length === 2 && found;
      });
      for (const { asPath } of paths) assert.deepEqual(asPath, [localAs, asn]);
      await until("their path", async () => (await theirPath())?.best);
      assert.equal((await theirPath())?.asPath, `${localAs} ${foreignAsn}`);
      assert.equal(await foreign.peerState(OURS), "Established");
    });
  });
}

scenarios("Dynamic neighbours: no more than the range may have", async (kind) => {
  await using lab = await SpeakerLab.build("dyn", kind);
  await lab.startMargay(lab.withRange("192.0.2.0/24", { asns: [FOREIGN_AS, THIRD_AS], limit: 1 }));
  const peers = [{ address: lab.margayAddress, asn: MARGAY_AS, policy: "accept-all" }];
  const third = await lab.startThird({ asn: THIRD_AS, peers });
  const isThirdIn = async () => (await lab.margay.peer(THIRD[4]))?.state === "Established";
  await until("the place to be taken", isThirdIn);
  await lab.startForeign();
  await until(`${kind} to be refused`, () => /the range .* has its 1 peers/.test(lab.margay.log()));
  assert.equal(await lab.peer(), undefined);
  assert.notEqual(await lab.foreign.peerState(lab.margayAddress), "Established");
  assert.ok(await isThirdIn());
  await third.stop();
  // It waits longer and longer by itself.
  if (kind === "openbgpd") await lab.foreign.enable(lab.margayAddress);
  await lab.routesCross();
  assert.equal((await lab.peer())?.kind, "dynamic");
});
