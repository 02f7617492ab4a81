import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { ExplicitPeer, ExplicitRange } from "../config/resolve-peers.ts";
import { parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { hostPrefix } from "../net/prefix.ts";
import type { Logger } from "../platform/logger.ts";
import { type TcpKey, TcpOptionError } from "../platform/tcp.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";

function hostKey(address: string, password: ExplicitPeer["password"]): TcpKey | undefined {
  const octets = parseIpAddress(withoutZone(address));
  if (octets === undefined || password === undefined) return undefined;
  return { prefix: hostPrefix(octets), password: password.reveal() };
}

/** The passwords of peers and ranges that a file names. */
export function tcpKeys({
  peers,
  ranges,
}: {
  readonly peers: readonly ExplicitPeer[];
  readonly ranges: readonly ExplicitRange[];
}): TcpKey[] {
  return [
    ...peers.map(({ address, password }) => hostKey(address, password)),
    ...ranges.map(({ prefix, password }) =>
      password === undefined ? undefined : { prefix, password: password.reveal() },
    ),
  ].filter((key) => key !== undefined);
}

/** The same of a node, whose members and reflectors have one password for all that have none of their own. */
export function nodeTcpKeys(config: NodeConfig, cluster: ClusterModel): TcpKey[] {
  const own = tcpKeys(config);
  const known = new Set(own.map(({ prefix }) => prefix.text));
  const others = cluster.topology === "mesh" ? cluster.members : cluster.reflectors;
  const shared = others.flatMap(({ address }) =>
    address === config.node.address ? [] : (hostKey(address, config.mesh.password) ?? []),
  );
  return [...own, ...shared.filter(({ prefix }) => !known.has(prefix.text))];
}

/** Puts passwords in force while sessions run; what the kernel refuses is an error in the log, and keeps those peers out. */
export function applyTcpKeys(driver: SpeakerDriver, keys: readonly TcpKey[], logger: Logger): void {
  try {
    driver.setKeys(keys);
  } catch (error) {
    if (!(error instanceof TcpOptionError)) throw error;
    logger.error({}, error.message);
  }
}
