import { NetlinkError } from "../../src/netlink/errno.ts";
import { FelixHarness, prefix, STATIC } from "./felix-harness.ts";

export type LifeOptions = Parameters<FelixHarness["start"]>[0];

/** What goes wrong at calls into the kernel. */
export const errnos = { ENOBUFS: 105, EINTR: 4, EBUSY: 16, ENODEV: 19 };

/** What the kernel has after a life in which nothing goes wrong. */
export async function kernelAfterLife(options: LifeOptions): Promise<string[]> {
  const h = new FelixHarness();
  await h.router();
  await live(h, options);
  const lines = kernelOf(h);
  await h.stop();
  return lines;
}

/** A life with everything in it: wire, tunnel, multipath, a move, a removal, a link that goes and comes, a stranger's route. */
export async function live(h: FelixHarness, options: LifeOptions): Promise<void> {
  const start = async (): Promise<void> => {
    try {
      await h.start(options);
    } catch (error) {
      // A kernel that cannot be read at start ends the daemon; it is started again.
      if (!(error instanceof NetlinkError)) throw error;
      await h.start(options);
    }
  };
  await start();
  h.set("10.233.2.0/24", "192.168.1.3");
  h.set("10.233.3.0/24", "192.168.2.2");
  h.set("10.233.4.0/24", "192.168.1.3", "192.168.1.4");
  h.set("10.233.5.0/24", "192.168.1.4");
  h.set("10.233.6.0/24", "192.168.1.4");
  await h.quiet();
  h.felix.pictureComplete();
  h.set("10.233.5.0/24", "192.168.1.3");
  h.felix.removeRoute(prefix("10.233.6.0/24"));
  await h.quiet();
  h.kernel.changeLink(h.eth0, { up: false });
  await h.quiet();
  h.kernel.changeLink(h.eth0, { up: true });
  await h.router();
  await h.quiet();
  await h.other.applyRoutes([h.change("create", "10.233.7.0/24", "192.168.1.9")], STATIC);
  h.set("10.233.7.0/24", "192.168.1.3");
  await h.quiet();
  h.set("10.233.8.0/24", "192.168.1.4");
  await h.quiet();
  await pass(h, 11);
}

/** What no event tells of is seen by the comparison that comes every five minutes. */
export async function pass(h: FelixHarness, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    h.clock.advance(60_000);
    await h.quiet();
  }
}

/** All that a programmer may change of it, in words. */
export function kernelOf(h: FelixHarness): string[] {
  const { kernel } = h;
  const links = [...kernel.links.values()].map(({ name, up, mtu }) => `${name} ${up} ${mtu}`);
  const addresses = kernel.addresses.map(({ address, ifindex }) => `${address} ${ifindex}`);
  const neighbours = kernel.neighbours.map(
    ({ table, address, mac }) => `${table} ${address} ${mac}`,
  );
  const routes = kernel.routes.map((route) => {
    const {
      nextHopId,
      hops,
      prefix: { text },
      protocol,
      metric,
    } = route;
    const ways = nextHopId === undefined ? hops : kernel.hopsOf(nextHopId);
    const words = ways.map(({ gateway, ifindex, onlink }) => `${gateway} ${ifindex} ${onlink}`);
    return `${text} ${protocol} ${metric} ${words.join(", ")}`;
  });
  const objects = `${kernel.nextHops.size} next-hop objects`;
  return [...links, ...addresses, ...neighbours, ...routes, objects].sort();
}
