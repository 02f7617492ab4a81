import { setImmediate as nextTurn } from "node:timers/promises";
import { ipv4Prefix, type Prefix, prefixFromOctets } from "../../net/prefix.ts";
import { openKernelNetlink } from "../../netlink/kernel-netlink.ts";
import type { Clock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Felix } from "../felix.ts";
import type { Sysctl } from "../sysctl.ts";
import { scenery, Stage } from "./stage.ts";

/** Of one round. More than a few batches of what a turn hands over. */
const ROUTES = 4096;
const ROUTES_EACH_TURN = 1024;
/** Of one round, one after the other: those go another way than many do. */
const SINGLE_CHANGES = 16;
const GATEWAYS = ["10.0.0.2", "10.0.0.3"] as const;

/** All is as it shall be. */
const sysctl: Sysctl = { read: () => Promise.resolve("1"), write: () => Promise.resolve() };

/**
 * Has throw-away programmers add, replace, move, read and delete routes of a kernel that is not there, until the JavaScript
 * engine has compiled what each route runs through: the routes of a whole cluster come at once after a start, and would be the
 * first that it sees. Each round has a programmer of its own, for code that has seen but one is compiled for that one.
 * @param mayContinue asked between rounds, each of which takes some tens of milliseconds
 */
export async function rehearse(clock: Clock, mayContinue: () => boolean): Promise<void> {
  while (mayContinue()) {
    const stage = new Stage();
    const netlink = openKernelNetlink(stage.open);
    const felix = new Felix({
      nodeAddress: scenery.node,
      podCidrs: [],
      podPools: [],
      encapsulation: "never",
      protocol: 77,
      table: 254,
      metric: 0,
      netlink,
      sysctl,
      clock,
      logger: silentLogger,
      rtProtosDirectory: "/nonexistent",
    });
    await felix.start();
    felix.pictureComplete();
    await playRound(felix, stage);
    await felix.stop({ cleanup: false });
    netlink.close();
  }
}

async function playRound(felix: Felix, stage: Stage): Promise<void> {
  for (const gateway of GATEWAYS) {
    await inTurns((prefix) => felix.setRoute({ prefix, nextHops: [gateway] }));
    await felix.settled();
  }
  await move(felix, stage);
  stage.loseAddress();
  await felix.settled();
  felix.status();
  await inTurns((prefix) => felix.removeRoute(prefix));
  await felix.settled();
  for (let change = 0; change < SINGLE_CHANGES; change++) {
    const prefix = prefixAt(change);
    felix.setRoute({ prefix, nextHops: [GATEWAYS[0]] });
    await felix.settled();
    felix.removeRoute(prefix);
    await felix.settled();
  }
}

/** All next hops are reached by the other link, and there is an occasion to ask. */
async function move(felix: Felix, stage: Stage): Promise<void> {
  const [first, second] = scenery.links;
  stage.link = stage.link === first ? second : first;
  const subnet = prefixFromOctets(Uint8Array.from(scenery.subnet), scenery.bits);
  felix.setNodeSubnets(new Map(stage.link === first ? [] : [[GATEWAYS[1], subnet]]));
  await felix.settled();
}

async function inTurns(each: (prefix: Prefix) => void): Promise<void> {
  for (let from = 0; from < ROUTES; from += ROUTES_EACH_TURN) {
    for (let index = from; index < from + ROUTES_EACH_TURN; index++) each(prefixAt(index));
    await nextTurn();
  }
}

/** 20.0.0.0/24 and on. */
function prefixAt(index: number): Prefix {
  return ipv4Prefix((20 << 24) + (index << 8), 24);
}
