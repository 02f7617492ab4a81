import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { Prefix } from "../net/prefix.ts";
import type { ConfigChange, ConfigEffect } from "./config-change.ts";
import type { NodeConfig } from "./node-config.ts";
import { optionDefaults } from "./peer-schema.ts";
import { hiddenText, Secret } from "./secret.ts";
import type { SpeakerSettings } from "./speaker-settings.ts";

/** A node's configuration with the cluster that it was loaded with. */
export interface ConfigSnapshot {
  readonly config: NodeConfig;
  readonly cluster: ClusterModel;
}

/**
 * When a change of a setting takes effect. A setting that is not here needs a restart: the daemon's identity, its sockets
 * and what its kernel routes look like stand for its whole life.
 */
const effects: Readonly<Record<string, ConfigEffect>> = {
  "node.podCidrs": "live",
  "node.podCidrsFrom": "live",
  "node.podCidrsInterface": "live",
  "timers.holdTimeSeconds": "session-reset",
  "timers.connectRetrySeconds": "live",
  "timers.idleHoldSeconds": "live",
  "timers.idleHoldMaximumSeconds": "live",
  "timers.gracefulRestartSeconds": "session-reset",
  "timers.longLivedStaleSeconds": "session-reset",
  "timers.longLivedStaleMaximumSeconds": "live",
  "timers.minRouteAdvertisementIntervalSeconds": "live",
  "timers.endOfRibWaitSeconds": "next-start",
  "mesh.dial": "live",
  "mesh.password": "live",
  "mesh.passwordFile": "live",
  encapsulation: "live",
  tunnel: "live",
  "ipip.device": "live",
  "ipip.ttl": "live",
  "firewall.masquerade": "live",
  "firewall.guard": "live",
  "firewall.forward": "live",
  "log.level": "live",
};

/** What changed between two configurations, and when each change takes effect. */
export function diffConfig(before: ConfigSnapshot, after: ConfigSnapshot): ConfigChange[] {
  return [
    ...diffSettings(before.config, after.config),
    ...diffCluster(before.cluster, after.cluster),
  ];
}

/** What changed between two configurations of a speaker without pods. */
export function diffSpeaker(before: SpeakerSettings, after: SpeakerSettings): ConfigChange[] {
  const { originate: oldRoutes, ...old } = before;
  const { originate: newRoutes, ...now } = after;
  return [
    ...diffSettings(old, now),
    ...diffEntries("originate", byPrefix(oldRoutes), byPrefix(newRoutes)),
  ];
}

interface HasPeers {
  readonly peers: NodeConfig["peers"];
  readonly ranges: NodeConfig["ranges"];
}

function diffSettings(before: HasPeers, after: HasPeers): ConfigChange[] {
  const { peers: oldPeers, ranges: oldRanges, ...oldSettings } = before;
  const { peers: newPeers, ranges: newRanges, ...newSettings } = after;
  return [
    ...diffFlat(flatten(oldSettings), flatten(newSettings)),
    ...diffOptions("peers", byKey(oldPeers, "address"), byKey(newPeers, "address")),
    ...diffOptions("ranges", byPrefix(oldRanges), byPrefix(newRanges)),
  ];
}

function diffFlat(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ConfigChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path): ConfigChange[] => {
    const [from, to] = [before.get(path), after.get(path)];
    return from === to ? [] : [{ path, from, to, effect: effects[path] ?? "restart" }];
  });
}

/** Entries with many options: of one that stays only what changed is told, of others what is not the default. */
function diffOptions(
  list: string,
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
): ConfigChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): ConfigChange[] => {
    const at = `${list}[${name}]`;
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined || now === undefined) {
      const [from, to] = [shown(old && chosen(old)), shown(now && chosen(now))];
      return [{ path: at, from, to, effect: "live" }];
    }
    const changes = diffFlat(flatten(old), flatten(now));
    return changes.map(({ path, from, to }) => ({
      path: `${at}.${path}`,
      from,
      to,
      effect: "live",
    }));
  });
}

function chosen(options: object): object {
  const isDefault = (name: string, value: unknown): boolean =>
    shown(Reflect.get(optionDefaults, name)) === shown(value);
  const entries = Object.entries(options) as [string, unknown][];
  return Object.fromEntries(entries.filter(([name, value]) => !isDefault(name, value)));
}

function byPrefix<Entry extends { readonly prefix: Prefix }>(
  entries: readonly Entry[],
): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.prefix.text, entry]));
}

function diffCluster(before: ClusterModel, after: ClusterModel): ConfigChange[] {
  const settings = (["asn", "podPools", "poolSettings", "topology"] as const).flatMap(
    (key): ConfigChange[] => {
      const [from, to] = [shown(before[key]), shown(after[key])];
      // A member's AS number is part of its entry: the cluster's own is only their default.
      return from === to ? [] : [{ path: `cluster.${key}`, from, to, effect: "live" }];
    },
  );
  const lists = (["members", "reflectors"] as const).flatMap((list) =>
    diffEntries(`cluster.${list}`, byKey(before[list], "name"), byKey(after[list], "name")),
  );
  return [...settings, ...lists];
}

function byKey<Key extends string, Entry extends Readonly<Record<Key, string>>>(
  entries: readonly Entry[],
  key: Key,
): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry[key], entry]));
}

/** Entries of a list that are told apart by a name: `cluster.members[b1]` came, went, or is another. */
function diffEntries(
  list: string,
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
): ConfigChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): ConfigChange[] => {
    const [from, to] = [shown(before.get(name)), shown(after.get(name))];
    return from === to ? [] : [{ path: `${list}[${name}]`, from, to, effect: "live" }];
  });
}

/** `timers.holdTimeSeconds` → `90`, for every setting that is set. */
function flatten(value: object, at = ""): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [key, child] of Object.entries(value) as [string, unknown][]) {
    const path = at === "" ? key : `${at}.${key}`;
    const isLeaf = typeof child !== "object" || child instanceof Secret || Array.isArray(child);
    if (isLeaf || child === null) {
      const text = shown(child);
      if (text !== undefined) settings.set(path, text);
    } else {
      for (const [inner, text] of flatten(child, path)) settings.set(inner, text);
    }
  }
  return settings;
}

/** A value as one would write it in YAML, in one line; `undefined` for what is not set. */
function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return `[${value.map((entry: unknown) => shown(entry)).join(", ")}]`;
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Secret) return `${hiddenText} (${value.fingerprint})`;
  if ("octets" in value && "text" in value) return String(value.text); // a prefix
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  return `{ ${entries.map(([key, child]) => `${key}: ${shown(child)}`).join(", ")} }`;
}
