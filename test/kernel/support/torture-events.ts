import { type TunnelKind, tunnelMac } from "../../../src/felix/tunnel-kind.ts";
import { FAR, NEAR, PREFIXES, SHAKY, TUNNELS, type TortureWorld } from "./torture-world.ts";

/** Something that happens: how often, compared to the others, and what. */
interface TortureEvent {
  readonly weight: number;
  readonly happens: (world: TortureWorld) => Promise<void>;
}

async function want(
  world: TortureWorld,
  prefix: string,
  nextHops: readonly string[],
): Promise<void> {
  world.note(`want ${prefix} by ${nextHops.join(" ")}`);
  world.wanted.set(prefix, nextHops);
  await world.felix?.call("setRoute", prefix, ...nextHops);
}

async function end(world: TortureWorld, how: "kill" | "stop"): Promise<void> {
  const { felix } = world;
  if (felix === undefined) return world.startFelix();
  world.note(how);
  world.felix = undefined;
  await felix[how]();
}

/** What leads through a tunnel leads through this kind from now on. */
async function lead(world: TortureWorld, tunnel: TunnelKind): Promise<void> {
  world.tunnel = tunnel;
  world.note(`${world.encapsulation} ${tunnel}`);
  await world.felix?.call("setPoolPolicies", world.encapsulation, tunnel);
}

const onLink =
  (words: string) =>
  async (world: TortureWorld): Promise<void> => {
    if (world.link !== undefined) await world.ip(words.replace("LINK", world.link));
  };

/** THE table of what may happen. */
const EVENTS: readonly TortureEvent[] = [
  // The shaky link.
  { weight: 4, happens: onLink("link set LINK down") },
  { weight: 4, happens: onLink("link set LINK up") },
  { weight: 2, happens: onLink("addr del 192.168.7.2/24 dev LINK") },
  { weight: 2, happens: onLink("addr replace 192.168.7.2/24 dev LINK") },
  {
    weight: 2,
    happens: async (world) => {
      if (world.link === undefined) return;
      const name = world.link === "shaky0" ? "shaky1" : "shaky0";
      await world.ip(`link set ${world.link} down`);
      await world.ip(`link set ${world.link} name ${name}`);
      world.link = name;
      if (world.random.integer(2) === 0) await world.ip(`link set ${name} up`);
    },
  },
  {
    weight: 2,
    happens: async (world) => {
      if (world.link === undefined) {
        await world.makeLink();
        return world.note(`${world.link} is there`);
      }
      await world.ip(`link del ${world.link}`);
      world.link = undefined;
    },
  },
  // Others, who meddle.
  {
    weight: 8,
    happens: async (world) => {
      const prefix = world.random.pick(PREFIXES.harmed);
      const harms = [
        `route del ${prefix}`,
        `route replace ${prefix} via 192.168.1.4 proto 77`,
        `route replace ${prefix} via 192.168.1.4`,
        `route replace blackhole ${prefix} proto 77`,
        `route replace ${prefix} via 192.168.1.3 dev eth0 mtu 1200 proto 77`,
      ];
      await world.ip(world.random.pick(harms));
    },
  },
  { weight: 1, happens: (world) => world.routeToFar() },
  { weight: 1, happens: (world) => world.ip("route del unreachable 10.233.1.0/24") },
  {
    weight: 5,
    happens: async (world) => {
      const device = TUNNELS.vxlan;
      const node = world.random.pick([...FAR, ...NEAR]);
      const [theirs, stranger] = [tunnelMac(node), "02:00:00:00:00:01"];
      const harms = [
        `ip neigh del ${node} dev ${device}`,
        `ip neigh replace ${node} lladdr ${stranger} dev ${device}`,
        `ip neigh replace ${node} lladdr ${theirs} nud stale dev ${device}`,
        `ip neigh replace 192.168.9.9 lladdr ${stranger} dev ${device}`,
        `ip neigh flush dev ${device} nud permanent`,
        `bridge fdb del ${theirs} dev ${device} dst ${node}`,
        `bridge fdb replace ${theirs} dev ${device} dst 192.168.9.9`,
        `bridge fdb append ${stranger} dev ${device} dst 192.168.9.9`,
      ];
      await world.run(world.random.pick(harms));
    },
  },
  {
    // Not that it goes down, or loses its address: with that the kernel itself removes the routes, be they stable or not.
    weight: 2,
    happens: (world) => world.ip(`link set ${world.random.pick(Object.values(TUNNELS))} mtu 1300`),
  },
  {
    weight: 3,
    happens: async (world) => {
      const harms = [
        "nft delete table inet margay",
        "nft flush table inet margay",
        "nft flush ruleset",
        "nft flush chain inet margay guard",
        "nft flush set inet margay nodes4",
        `nft delete element inet margay nodes4 { ${world.random.pick(NEAR)} }`,
        "nft add element inet margay nodes4 { 203.0.113.9 }",
        "nft insert rule inet margay guard udp dport 4789 accept",
      ];
      await world.run(world.random.pick(harms));
    },
  },
  {
    weight: 3,
    happens: async (world) => {
      const links = ["all", "eth0", world.link ?? "eth0", ...Object.values(TUNNELS)];
      const key = world.random.pick(links).replace(".", "/");
      await world.run(`sysctl -qw net.ipv4.conf.${key}.forwarding=0`);
    },
  },
  // Next hops that move.
  { weight: 6, happens: (world) => move(world, PREFIXES.near, [...NEAR, ...stableFar(world)]) },
  { weight: 3, happens: (world) => move(world, PREFIXES.far, [...FAR, ...NEAR]) },
  { weight: 2, happens: (world) => move(world, PREFIXES.harmed, NEAR) },
  { weight: 2, happens: (world) => move(world, PREFIXES.shaky, SHAKY) },
  {
    weight: 4,
    happens: (world) => {
      const { random, life } = world;
      // With a link the kernel removes every route that has a next hop there, be there others; a next-hop object loses that one.
      const shaky = life.nextHopObjects === "auto" ? [SHAKY, [random.pick(SHAKY)]] : [];
      const others = random.pick([NEAR.slice(1), stableFar(world), [], ...shaky]);
      return want(world, random.pick(PREFIXES.multipath), [NEAR[0]!, ...others]);
    },
  },
  {
    weight: 4,
    happens: async (world) => {
      const prefix = world.random.pick(PREFIXES.passing);
      const nextHop = world.random.pick([...NEAR, ...FAR, ...SHAKY]);
      if (!world.wanted.delete(prefix)) return want(world, prefix, [nextHop]);
      world.note(`no more ${prefix}`);
      await world.felix?.call("removeRoute", prefix);
    },
  },
  // The configuration.
  {
    weight: 4,
    happens: (world) => {
      world.encapsulation = world.random.pick(world.life.encapsulations);
      return lead(world, world.random.pick(world.life.tunnels));
    },
  },
  {
    weight: 1,
    happens: async (world) => {
      const one = "10.233.1.0/24";
      const other = "10.233.9.0/24";
      world.podCidrs = world.random.pick([[one], [one, other], [other]]);
      world.note(`pod CIDRs ${world.podCidrs.join(" ")}`);
      await world.felix?.call("setLocalPrefixes", ...world.podCidrs);
    },
  },
  // The daemon.
  { weight: 1, happens: (world) => end(world, "kill") },
  { weight: 1, happens: (world) => end(world, "stop") },
];

function stableFar({ life }: TortureWorld): readonly string[] {
  return life.encapsulations.includes("never") ? [] : FAR;
}

function move(
  world: TortureWorld,
  prefixes: readonly string[],
  nextHops: readonly string[],
): Promise<void> {
  return want(world, world.random.pick(prefixes), [world.random.pick(nextHops)]);
}

const all = EVENTS.flatMap((event) => Array.from({ length: event.weight }, () => event));

/** What leads through a tunnel leads through one of the other kind from now on, where there is another. */
export async function tunnelsChange(world: TortureWorld): Promise<void> {
  const other = world.life.tunnels.find((kind) => kind !== world.tunnel);
  if (other !== undefined) await lead(world, other);
}

/** One thing happens, and the programmer has time to settle, or has none. A dead daemon comes back soon. */
export async function somethingHappens(world: TortureWorld): Promise<void> {
  const wasDead = world.felix === undefined;
  await world.random.pick(all).happens(world);
  if (wasDead && world.felix === undefined && world.random.integer(4) === 0) {
    await world.startFelix();
  }
  if (world.random.integer(3) === 0) await world.felix?.call("settled");
}
