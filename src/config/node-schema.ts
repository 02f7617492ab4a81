import { z } from "zod";
import {
  asn,
  choice,
  count,
  endpoint,
  list,
  listenAddress,
  loopbackEndpoint,
  podPrefix,
  port,
  prefix,
  quantity,
  routerId,
  section,
  socketPath,
  speakerAddress,
  text,
} from "./fields.ts";

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
  podCidrs: list("pod CIDRs", podPrefix()).optional().meta({
    description: "What our pods have. Default: the member's in the cluster file.",
  }),
});

/** RFC 4271 §4.2: "The Hold Time MUST be either zero or at least three seconds." */
const holdTime = count("a number of seconds", 0, 65_535).superRefine((seconds, context) => {
  if (seconds !== 1 && seconds !== 2) return;
  context.addIssue({
    code: "custom",
    message: `${seconds} is not a possible hold time: give 0 (never expires) or 3 and more (RFC 4271 §4.2)`,
  });
});

const timers = section({
  holdTimeSeconds: holdTime.default(90).meta({
    description:
      "A peer that is silent for so long is gone; offered, the lower of the two counts. 0, or 3 to 65535.",
  }),
  connectRetrySeconds: quantity("a number of seconds", 0.1, 3600).default(5).meta({
    description: "Between two attempts to reach a peer, less jitter.",
  }),
  idleHoldSeconds: quantity("a number of seconds", 0, 3600).default(1).meta({
    description: "Pause after a session failed; doubles with each failure in a row.",
  }),
  idleHoldMaximumSeconds: quantity("a number of seconds", 0, 3600).default(60).meta({
    description: "Where that doubling ends.",
  }),
  gracefulRestartSeconds: count("a number of seconds", 0, 4095).default(120).meta({
    description:
      "For so long peers keep our routes while we restart; 12 bits on the wire (RFC 4724 §3). 0: not at all.",
  }),
  endOfRibWaitSeconds: quantity("a number of seconds", 0, 3600).default(30).meta({
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
});

const peer = section({
  address: speakerAddress().meta({ description: "The peer's address. IPv4." }),
  asn: asn().meta({ description: "The peer's AS number; other than ours, the session is eBGP." }),
  port: port().default(179).meta({ description: "TCP port to dial." }),
  passive: z
    .boolean({
      error: ({ input }) =>
        `${JSON.stringify(input) ?? "nothing"} is not true or false: give one of them`,
    })
    .default(false)
    .meta({ description: "Wait for the peer to dial." }),
  description: text("a few words").optional().meta({ description: "For people." }),
  importPrefixes: list("prefixes", prefix()).optional().meta({
    description: "Takes only these and what lies inside. Default: the pod pools.",
  }),
});

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
      description: "Where BGP listens; 0.0.0.0 for everywhere. Default: our address.",
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
  })
    .prefault({})
    .meta({ description: "Sessions between members." }),
  encapsulation: choice(["cross-subnet", "always", "never"]).default("cross-subnet").meta({
    description: "IPIP to nodes behind a router, to all, or to none.",
  }),
  kernel: kernel.prefault({}).meta({ description: "How we write routes." }),
  api: section({
    socket: socketPath()
      .default("/run/margay/margay.sock")
      .meta({ description: "Unix socket of the API." }),
    listen: loopbackEndpoint()
      .optional()
      .meta({ description: "Also on TCP, loopback only. Default: not." }),
  })
    .prefault({})
    .meta({ description: "What the CLI talks to." }),
  metrics: section({
    listen: endpoint().optional().meta({
      description: "Address and port of Prometheus metrics and probes. Default: not served.",
    }),
  })
    .prefault({})
    .meta({ description: "What monitoring talks to." }),
  peers: list("peers", peer).default([]).meta({ description: "Peers besides the cluster's." }),
  log: section({
    level: choice(["trace", "debug", "info", "warn", "error"])
      .default("info")
      .meta({ description: "The least that is logged." }),
  })
    .prefault({})
    .meta({ description: "What is logged, on stderr." }),
}).meta({ title: "margay node configuration" });

/** The node's file as read: defaults that need nothing else in place, text turned into values. */
export type NodeFile = z.output<typeof nodeSchema>;
