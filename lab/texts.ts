import { LAB_DIRECTORY, LAB_PREFIX } from "./state.ts";
import type { TopologyName } from "./topology.ts";

/** What is being built. */
export function picture(topology: TopologyName): string {
  const sessions =
    topology === "mesh"
      ? "every node peers with every node"
      : "every node peers with rr alone, a margay reflector";
  const reflector =
    topology === "mesh" ? "" : "\n      │                      rr margay reflector  192.168.1.250";
  return `
  segment A 192.168.1.0/24                                  segment B 192.168.2.0/24
      │  a1 margay  192.168.1.2  pod 10.233.1.10                 │  b1 margay  192.168.2.2  pod 10.233.5.10
      │  a2 margay  192.168.1.3  pod 10.233.2.10                 │
      │  a3 BIRD    192.168.1.4  pod 10.233.3.10                 │
      │  a4 FRR     192.168.1.5  pod 10.233.4.10                 │${reflector}
      └───────────── router .1 (knows no pod route) .1 ──────────┘
  ${sessions}; AS 64512.
`;
}

/** For somebody who has seen it work once. */
export function nextSteps(): string {
  return `
Next:
  npm run lab -- --keep                   leave it running and look around
  npm run lab -- --topology reflector     the same with a route reflector in place of the mesh
  npm run test:interop                    margay against five other implementations
`;
}

/** For somebody whose lab stays. */
export function stayingHints(topology: TopologyName): string {
  const socket = `${LAB_DIRECTORY}/a1/margay.sock`;
  return `
The lab stays. Namespaces: ${LAB_PREFIX}-a1 … ${LAB_PREFIX}-b1, ${LAB_PREFIX}-poda1 … ${LAB_PREFIX}-podb1, ${LAB_PREFIX}-router${topology === "reflector" ? `, ${LAB_PREFIX}-rr` : ""}; logs and configurations: ${LAB_DIRECTORY}
  export MARGAY_SOCKET=${socket}
  node_modules/.bin/node bin/margay.js explain 10.233.5.10        why a1 reaches that pod as it does
  node_modules/.bin/node bin/margay.js watch                      what changes, as it changes
  ip netns exec ${LAB_PREFIX}-a1 ip route del 10.233.2.0/24              … is back at once
  ip netns exec ${LAB_PREFIX}-poda1 ping 10.233.5.10
  birdc -s ${LAB_DIRECTORY}/a3/bird.ctl show route
  vtysh --vty_socket ${LAB_DIRECTORY}/a4 --config_dir ${LAB_DIRECTORY}/a4 -c 'show bgp summary'
  npm run lab -- --down                   take it down
`;
}
