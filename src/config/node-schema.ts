import type { z } from "zod";
import {
  asn,
  choice,
  count,
  device,
  list,
  listenAddress,
  peerAddress,
  podPrefix,
  port,
  quantity,
  routerId,
  section,
  socketPath,
  speakerAddress,
  text,
} from "./fields.ts";
import { password } from "./password.ts";
import { peerGroups, peerSection, ranges } from "./peer-schema.ts";
import {
  api,
  bestPath,
  encapsulation,
  endOfRibWaitSeconds,
  log,
  metrics,
  slowPeers,
  timerRows,
  tunnel,
} from "./sections.ts";

const node = section({
  name: text("the node's name").optional().meta({
    description: "The node's name in the cluster file. Default: the host name.",
  }),
  address: speakerAddress().optional().meta({
    description: "The address peers dial, and the next hop of our pods. Default: the member's.",
  }),
  asn: asn()
    .optional()
    .meta({ description: "Our AS number. Default: the member's, else the cluster's." }),
  routerId: routerId()
    .optional()
    .meta({ description: "Our BGP identifier. Default: our address." }),
  podCidrsInterface: text("the name of an interface").optional().meta({
    description:
      "Take the pod CIDRs from the addresses of this interface, as they come and go. Default: none.",
  }),
  podCidrs: list("pod CIDRs", podPrefix()).optional().meta({
    description: "What our pods have. Default: the member's in the cluster file.",
  }),
});

const timers = section({
  ...timerRows,
  endOfRibWaitSeconds: endOfRibWaitSeconds().meta({
    description:
      "For so long after the start, kernel routes found there wait for the peers to confirm them.",
  }),
});

/** Numbers that no daemon may write with (rtnetlink(7)); with others' numbers we would remove their routes. */
const kernelProtocols = ["unspec", "redirect", "kernel", "boot", "static"];
const protocol = count("a routing protocol number of our own, such as 77", 0, 255).superRefine(
  (number, context) => {
    const owner = kernelProtocols[number];
    if (owner === undefined) return;
    context.addIssue({
      code: "custom",
      message: `protocol ${number} is "${owner}", which marks routes of others: give a number of our own, such as 77`,
    });
  },
);

const table = count("a routing table number", 1, 4_294_967_295).superRefine((number, context) => {
  if (number !== 255) return;
  context.addIssue({
    code: "custom",
    message: "table 255 is the kernel's own (local): give 254 (main) or a table of our own",
  });
});

const kernel = section({
  protocol: protocol.default(77).meta({
    description:
      "Protocol number of our kernel routes: what bears it is ours, and swept when stale. 5 to 255.",
  }),
  table: table.default(254).meta({ description: "Routing table; 254 is `main`." }),
  metric: count("a metric", 0, 4_294_967_295).default(0).meta({
    description: "Metric of pod routes; of two routes for a prefix the kernel takes the lower.",
  }),
  conflicts: choice(["yield", "take", "own-metric"]).default("yield").meta({
    description:
      "What becomes of another program's route where we want one: it stays, or ours takes its place, or ours goes in beside it.",
  }),
  conflictMetric: count("a metric", 1, 4_294_967_295).default(2048).meta({
    description: "Metric of our routes that are beside another program's.",
  }),
  nextHopObjects: choice(["never", "auto"]).default("never").meta({
    description:
      "Routes through next-hop objects, wherever this kernel has them: moving all routes of a node is then one message.",
  }),
  maximumRemovalPercent: count("a percentage", 0, 100).default(30).meta({
    description:
      "So much of our routes, and never fewer than 10, may go within a minute while not every peer has told its table; 100 for all.",
  }),
});

const ipip = section({
  device: device()
    .refine((name) => !name.includes("vxlan"), {
      error: "is the name of a VXLAN device: give one of its own, such as margay",
    })
    .default("tunl0")
    .meta({
      description:
        "The IPIP device: `tunl0`, which the kernel makes by itself, or another name for one of our own.",
    }),
  ttl: count("a TTL", 1, 255)
    .default(64)
    .meta({ description: "TTL of outer headers; of `tunl0`, that of the packet inside." }),
});

const firewall = section({
  masquerade: choice(["auto", "never"]).default("auto").meta({
    description:
      "Packets that leave pools with `natOutgoing` for the outside bear our address, or no packets do.",
  }),
  guard: choice(["auto", "never"]).default("auto").meta({
    description: "Drops tunnelled packets that come from hosts that are no nodes.",
  }),
  forward: choice(["accept", "observe", "never"]).default("accept").meta({
    description:
      "Where rules of iptables, such as Docker's, would drop packets of pods, rules of ours let them through, or it is only told.",
  }),
});

const mtu = section({
  probe: choice(["auto", "never"]).default("never").meta({
    description:
      "Whether each node is sent packets of full size, so that routes bear the MTU of their path.",
  }),
  intervalSeconds: quantity("a number of seconds", 10, 86_400).default(600).meta({
    description: "Between two such looks at the path to one node.",
  }),
});

const peer = peerSection(peerAddress().meta({ description: "The peer's address." }));

/** The node's file. Descriptions end up in the JSON Schema and are held against docs/CONFIG.md by a test. */
export const nodeSchema = section({
  node: node.prefault({}).meta({ description: "Who we are." }),
  cluster: section({
    file: text("the path of the cluster file").meta({
      description: "The cluster file; a relative path starts at this file's directory.",
    }),
  }).meta({ description: "Where the members come from." }),
  listen: section({
    address: listenAddress().optional().meta({
      description:
        "Where BGP listens, one address or a list; 0.0.0.0 for everywhere, :: for IPv6, too. Default: our address.",
    }),
    port: port()
      .optional()
      .meta({ description: "Default: the member's in the cluster file, else 179." }),
  })
    .prefault({})
    .meta({ description: "Where BGP listens." }),
  timers: timers.prefault({}).meta({ description: "All in seconds." }),
  mesh: section({
    dial: choice(["both", "higher", "lower", "calico"]).default("both").meta({
      description:
        "Which of two members dials: both, the one with the higher or the lower address, or as Calico does (compared as text, the greater).",
    }),
    password: password().optional().meta({
      description: "Signs sessions with members and reflectors (TCP-MD5). Default: none.",
    }),
    passwordFile: text("the path of a file").optional().meta({
      description: "The same, in the first line of a file. Default: none.",
    }),
  })
    .prefault({})
    .meta({ description: "Sessions between members." }),
  encapsulation: encapsulation().default("cross-subnet").meta({
    description: "Tunnels to nodes behind a router, to all, or to none.",
  }),
  tunnel: tunnel().default("ipip").meta({
    description:
      "IPIP, VXLAN, or IPIP where this kernel has it and else VXLAN: the same on all nodes.",
  }),
  ipip: ipip.prefault({}).meta({ description: "What IPIP tunnels are like." }),
  kernel: kernel.prefault({}).meta({ description: "How we write routes." }),
  firewall: firewall.prefault({}).meta({ description: "What we keep in nftables." }),
  mtu: mtu.prefault({}).meta({ description: "What gets to other nodes." }),
  bestPath,
  slowPeers,
  api,
  felix: section({
    socket: socketPath().optional().meta({
      description: "Unix socket of its API. Default: felix.sock beside api.socket.",
    }),
    staleSeconds: quantity("a number of seconds", 0, 86_400).default(300).meta({
      description: "For so long routes stay that the speaker, being away, does not tell again.",
    }),
    metrics,
  })
    .prefault({})
    .meta({ description: "The programmer where it has a process of its own: margay felix." }),
  metrics,
  peers: list("peers", peer).default([]).meta({ description: "Peers besides the cluster's." }),
  peerGroups,
  ranges,
  log,
}).meta({ title: "margay node configuration" });

/** The node's file as read: defaults that need nothing else in place, text turned into values. */
export type NodeFile = z.output<typeof nodeSchema>;
