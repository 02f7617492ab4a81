import type { z } from "zod";
import {
  choice,
  count,
  endpoint,
  flag,
  holdTime,
  loopbackEndpoint,
  quantity,
  section,
  socketPath,
} from "./fields.ts";

/** Parts that the files of a node and of a speaker have in common. */

/** When routes go through a tunnel. */
export const encapsulation = (): ReturnType<typeof choice<["cross-subnet", "always", "never"]>> =>
  choice(["cross-subnet", "always", "never"]);

/** Through which. */
export const tunnel = (): ReturnType<typeof choice<["ipip", "vxlan", "auto"]>> =>
  choice(["ipip", "vxlan", "auto"]);

/** How long sessions wait; a peer may have its own. */
export const timerRows = {
  holdTimeSeconds: holdTime().default(90).meta({
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
  longLivedStaleSeconds: count("a number of seconds", 0, 16_777_215).default(0).meta({
    description:
      "After that time peers keep our routes as a last resort, for so long (RFC 9494). 0: not at all.",
  }),
  longLivedStaleMaximumSeconds: count("a number of seconds", 0, 16_777_215)
    .default(16_777_215)
    .meta({
      description: "The longest that routes of a peer are kept so, whatever it asks for. 0: never.",
    }),
  minRouteAdvertisementIntervalSeconds: quantity("a number of seconds", 0, 600).default(0).meta({
    description:
      "Between announcements to a peer, less jitter; withdrawals never wait (RFC 4271 §9.2.1.1).",
  }),
};

/** What exactly it waits for, depends on the daemon. */
export const endOfRibWaitSeconds = (): z.ZodDefault<z.ZodNumber> =>
  quantity("a number of seconds", 0, 3600).default(30);

/** The timers of sessions where nobody says anything. */
export const defaultTimers = section(timerRows).parse({});

/** How paths are compared; the same in all of an AS. */
export const bestPath = section({
  maximumPaths: count("a number of paths", 1, 64).default(1).meta({
    description: "So many equal paths to a prefix are used at once; 1: only the best.",
  }),
  alwaysCompareMed: flag().default(false).meta({
    description: "Compares MULTI_EXIT_DISC between different neighbouring ASes, too.",
  }),
  missingMedAsWorst: flag().default(false).meta({
    description: "A path without MULTI_EXIT_DISC comes after those with one, not before.",
  }),
})
  .prefault({})
  .meta({ description: "How paths are compared." });

export const defaultBestPath = bestPath.parse({});

export const slowPeers = section({
  maximumLagMebibytes: quantity("a number of mebibytes", 1, 4096).default(16).meta({
    description: "Memory that may wait for peers that are sent the same, in each family.",
  }),
})
  .prefault({})
  .meta({ description: "What becomes of peers that read slowly." });

export const api = section({
  socket: socketPath()
    .default("/run/margay/margay.sock")
    .meta({ description: "Unix socket of the API." }),
  listen: loopbackEndpoint()
    .optional()
    .meta({ description: "Also on TCP, loopback only. Default: not." }),
})
  .prefault({})
  .meta({ description: "What the CLI talks to." });

export const metrics = section({
  listen: endpoint().optional().meta({
    description: "Address and port of Prometheus metrics and probes. Default: not served.",
  }),
})
  .prefault({})
  .meta({ description: "What monitoring talks to." });

export const log = section({
  level: choice(["trace", "debug", "info", "warn", "error"])
    .default("info")
    .meta({ description: "The least that is logged." }),
})
  .prefault({})
  .meta({ description: "What is logged, on stderr." });
