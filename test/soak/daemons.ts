import { join } from "node:path";
import { Network } from "../support/netns.ts";
import { OwnNamespace } from "../support/own-namespace.ts";
import type { Deeds } from "./deeds.ts";
import type { MargayUnderTest } from "./margay-under-test.ts";
import { ownPrefixes, sharedPrefixes } from "./prefixes.ts";
import { SoakDaemon } from "./soak-daemon.ts";

const kinds = ["bird", "frr"] as const;
/** Behind all indices of clients that speak by themselves. */
const firstIndex = 100 << 8;

export const daemonAddresses: readonly string[] = kinds.map((_, index) => `10.21.${index}.2`);

/**
 * BIRD and FRR as clients, each in a namespace with a cable to this process's own, where margay is. Nobody is started.
 * @param directory exists; its path is short, as sockets live below it
 */
export async function plugDaemons(
  network: Network,
  directory: string,
  parts: {
    readonly margay: MargayUnderTest;
    readonly deeds: Deeds;
    readonly seed: number;
  },
): Promise<readonly SoakDaemon[]> {
  const here = new OwnNamespace();
  const daemons: SoakDaemon[] = [];
  for (const [index, kind] of kinds.entries()) {
    const namespace = await network.namespace(kind);
    const [address, reflector] = [daemonAddresses[index] ?? "", `10.21.${index}.1`];
    await here.ip(
      `link add ${kind} type veth peer name eth0 netns ${namespace.name}`,
      `address add ${reflector}/24 dev ${kind}`,
      `link set ${kind} up`,
    );
    // Next hops of the others have to be somewhere.
    await namespace.ip(
      `address add ${address}/24 dev eth0`,
      "link set eth0 up",
      `route add 10.0.0.0/8 via ${reflector}`,
    );
    daemons.push(
      new SoakDaemon({
        ...{ kind, namespace, address, reflector, margay: parts.margay, deeds: parts.deeds },
        directory: join(directory, kind),
        prefixes: [...ownPrefixes(firstIndex + index), ...sharedPrefixes],
        seed: parts.seed + index,
      }),
    );
  }
  return daemons;
}
