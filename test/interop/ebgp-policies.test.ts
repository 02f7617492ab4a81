/** What margay makes of routes on their way to another AS and from it, as the router there has them in the end. */
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import type { ForeignRoute } from "../support/foreign/index.ts";
import type { Margay } from "../support/margay.ts";
import { until } from "../support/until.ts";
import { DAEMONS, notSupported, scenario } from "./support/scenario.ts";
import {
  FOREIGN_AS,
  FOREIGN_ROUTE,
  MARGAY_AS,
  MARGAY_ROUTE,
  type Options,
  SpeakerLab,
  THIRD,
  THIRD_AS,
} from "./support/speaker-lab.ts";
import { watchSession } from "./support/unbroken.ts";

const FAR_ROUTE = "10.233.3.0/24";
const RETURNED = "10.233.6.0/24";

/** A third router, in an AS of its own, that has things to tell. */
const originate = [
  {
    prefix: FAR_ROUTE,
    communities: ["65002:7", "65002:9"],
    largeCommunities: ["65002:1:2"],
    med: 50,
  },
  { prefix: RETURNED },
].map((route) => ({ ...route, nextHop: THIRD[4] }));

const reflectsAs = { gobgp: "GoBGP sends no path to an AS that is in it" };

for (const kind of DAEMONS) {
  describe(`margay between ${kind} and a third AS`, () => {
    let lab: SpeakerLab;
    let third: Margay;

    /** The third router: to margay, and to the foreign one as a part of margay's own AS. */
    const thirdFile = (toMargay: Options = {}): Options => ({
      asn: THIRD_AS,
      originate,
      peers: [
        {
          address: lab.margayAddress,
          asn: MARGAY_AS,
          importPrefixes: ["10.0.0.0/8"],
          exportPrefixes: [FAR_ROUTE],
          ...toMargay,
        },
        {
          address: lab.foreignAddress,
          asn: FOREIGN_AS,
          ...{ localAs: MARGAY_AS, localAsReplace: true, exportPrefixes: [RETURNED] },
        },
      ],
    });
    /** margay with these options toward the foreign router. */
    const fileWith = (policy: Options = {}): Options => {
      const ranges = [{ prefix: `${THIRD[4]}/32`, asns: "external", policy: "accept-all" }];
      return lab.withPeer({ passive: true, ...policy }, { ranges });
    };
    const reload = (policy: Options): void => {
      lab.margay.configureSpeaker(fileWith(policy));
      lab.margay.daemon.signal("SIGHUP");
    };
    const reloadThird = (toMargay: Options): void => {
      third.configureSpeaker(lab.thirdFile(thirdFile(toMargay)));
      third.daemon.signal("SIGHUP");
    };
    const told = async (prefix: string): Promise<ForeignRoute | undefined> =>
      (await lab.foreign.routes()).find((route) => {
        return route.prefix === prefix && route.asPath[0] === MARGAY_AS;
      });
    /** Waits until what the foreign router has of margay is as it should be. */
    const isTold = (what: string, holds: (route: ForeignRoute) => boolean): Promise<ForeignRoute> =>
      until(`${kind} to have ${what}`, async () => {
        const route = await told(FAR_ROUTE);
        return route !== undefined && holds(route) && route;
      });
    const pathOf = (expected: readonly number[]): Promise<ForeignRoute> =>
      isTold(`AS_PATH ${expected.join(" ")}`, ({ asPath }) => asPath.join() === expected.join());

    before(async () => {
      lab = await SpeakerLab.build("ebgp", kind);
      await lab.startMargay(fileWith());
      third = await lab.startThird(thirdFile());
      const peer = { families: [4] as const, asn: MARGAY_AS };
      await lab.startForeign(
        {},
        {
          peers: [
            { ...peer, address: lab.margayAddress },
            ...(kind === "exabgp" ? [] : [{ ...peer, address: THIRD[4], passive: true }]),
          ],
          communities: ["65001:5", "65535:0", "65001:1:2"],
          isTransit: true,
        },
      );
      await lab.routesCross();
      await pathOf([MARGAY_AS, THIRD_AS]);
    });
    after(() => lab?.[Symbol.asyncDispose]());

    scenario(
      "Communities (RFC 1997, RFC 8092): received, passed on, added and removed",
      kind,
      async () => {
        const unbroken = await watchSession(lab.margay, lab.foreignAddress);
        const [path] = (await lab.margay.route(FOREIGN_ROUTE[4]))?.candidates ?? [];
        for (const community of ["65001:5", "65001:1:2"]) {
          assert.ok(path?.communities.includes(community), path?.communities.join());
        }
        reload({
          exportCommunities: ["65000:1"],
          exportLargeCommunities: ["65000:1:2"],
          exportRemoveCommunities: ["65002:9"],
        });
        const sorted = (some: readonly string[] = []): string => [...some].sort().join(" ");
        const route = await isTold("another community", ({ communities }) => {
          return communities?.includes("65000:1") ?? false;
        });
        assert.equal(sorted(route.communities), "65000:1 65002:7");
        assert.equal(sorted(route.largeCommunities), "65000:1:2 65002:1:2");
        await unbroken();
      },
    );

    scenario("NO_EXPORT and NO_ADVERTISE (RFC 1997) are heeded", kind, async () => {
      for (const community of ["no-export", "no-advertise"]) {
        reloadThird({ exportCommunities: [community] });
        await until(`${kind} to miss a route with ${community}`, async () => {
          return (await told(FAR_ROUTE)) === undefined;
        });
        const [path] = (await lab.margay.route(FAR_ROUTE))?.candidates ?? [];
        assert.equal(path?.best, true);
        assert.ok(path.communities.includes(community));
        reloadThird({});
        await isTold("the route without it", () => true);
      }
    });

    scenario(
      "GRACEFUL_SHUTDOWN (RFC 8326) received: the path is the last choice",
      kind,
      async () => {
        const localPref = async (): Promise<number | undefined> =>
          (await lab.margay.route(FOREIGN_ROUTE[4]))?.candidates[0]?.localPref;
        await until("LOCAL_PREF 0", async () => (await localPref()) === 0);
        reload({ gracefulShutdown: false });
        await until("no LOCAL_PREF", async () => (await localPref()) !== 0);
      },
    );

    scenario(
      "MULTI_EXIT_DISC (RFC 4271 §5.1.4): another AS's is not passed on, one of ours is",
      kind,
      async () => {
        await isTold("no MULTI_EXIT_DISC", ({ med = 0 }) => med === 0);
        reload({ exportMed: 77 });
        await isTold("our MULTI_EXIT_DISC", ({ med }) => med === 77);
      },
    );

    scenario(
      "Next hop toward another AS (RFC 4271 §5.1.3): ourselves, or as it is",
      kind,
      async () => {
        assert.equal((await told(FAR_ROUTE))?.nextHop, lab.margayAddress);
        reload({ nextHop: "third-party" });
        await isTold("a third party's next hop", ({ nextHop }) => nextHop === THIRD[4]);
      },
    );

    scenario(
      "AS_PATH toward another AS: prepended, private numbers removed or replaced (RFC 6996)",
      kind,
      async () => {
        const unbroken = await watchSession(lab.margay, lab.foreignAddress);
        reload({ prepend: 2 });
        await pathOf([MARGAY_AS, MARGAY_AS, MARGAY_AS, THIRD_AS]);
        reload({ removePrivateAs: "all" });
        await pathOf([MARGAY_AS]);
        reload({ removePrivateAs: "replace" });
        await pathOf([MARGAY_AS, MARGAY_AS]);
        await unbroken();
      },
    );

    const allowOwn = "Own AS allowed in AS_PATH";
    if (kind === "gobgp") notSupported(allowOwn, kind, reflectsAs.gobgp);
    else {
      scenario(`${allowOwn}: once, not by default`, kind, async () => {
        if (kind === "exabgp") {
          lab.tellExaBgp(
            `announce route ${RETURNED} next-hop self as-path [ ${FOREIGN_AS} ${MARGAY_AS} ]`,
          );
        }
        const path = async () => (await lab.margay.route(RETURNED))?.candidates[0];
        await until(`margay to have ${RETURNED}`, path);
        assert.deepEqual(
          [(await path())?.asPath, (await path())?.best],
          [`${FOREIGN_AS} ${MARGAY_AS}`, false],
        );
        assert.equal((await path())?.reason?.name, "as-loop");
        reload({ allowOwnAs: 1 });
        await until("it to be used", async () => (await path())?.best);
      });
    }

    scenario("AS override: the peer's own AS number is replaced by ours", kind, async () => {
      reloadThird({ localAs: FOREIGN_AS });
      await until("the route to come by way of the peer's own AS", async () => {
        const [path] = (await lab.margay.route(FAR_ROUTE))?.candidates ?? [];
        return path?.asPath === `${FOREIGN_AS} ${THIRD_AS}`;
      });
      // ExaBGP takes what has its own AS in it, and OpenBGPD shows what it does not take.
      if (kind !== "exabgp" && kind !== "openbgpd") {
        await until("the route to be refused", async () => !(await told(FAR_ROUTE)));
      }
      reload({ asOverride: true });
      await pathOf([MARGAY_AS, MARGAY_AS, THIRD_AS]);
      const route = await told(MARGAY_ROUTE[4]);
      assert.deepEqual(route?.asPath, [MARGAY_AS]);
    });
  });
}
