import type { z } from "zod";
import {
  asn,
  community,
  count,
  extendedCommunity,
  flag,
  largeCommunity,
  list,
  listenAddress,
  peerAddress,
  port,
  prefix,
  routerId,
  section,
  text,
  unicastAddress,
} from "./fields.ts";
import { peerGroups, peerSection, ranges } from "./peer-schema.ts";
import {
  api,
  bestPath,
  endOfRibWaitSeconds,
  log,
  metrics,
  slowPeers,
  timerRows,
} from "./sections.ts";

const peer = peerSection(peerAddress().meta({ description: "The peer's address." }));

const metric = () => count("a number", 0, 4_294_967_295);

const route = section({
  prefix: prefix().meta({ description: "What is announced." }),
  nextHop: unicastAddress().optional().meta({
    description:
      "Where it leads: of the prefix's IP version, or IPv6 (RFC 8950). Default: listen.address.",
  }),
  med: metric().optional().meta({ description: "MULTI_EXIT_DISC. Default: none." }),
  localPref: metric().default(100).meta({ description: "LOCAL_PREF, inside our AS." }),
  communities: list("communities", community()).default([]).meta({
    description: "As 64512:1, or a well-known one by name.",
  }),
  largeCommunities: list("large communities", largeCommunity()).default([]).meta({
    description: "As 64512:1:2 (RFC 8092).",
  }),
  extendedCommunities: list("extended communities", extendedCommunity()).default([]).meta({
    description: "As rt:64512:100 or ro:192.0.2.1:5 (RFC 4360), or 0x and 16 hexadecimal digits.",
  }),
});

/** The file of `margay speaker`. Descriptions end up in the JSON Schema and are held against docs/CONFIG.md by a test. */
export const speakerSchema = section({
  asn: asn().meta({ description: "Our AS number." }),
  routerId: routerId()
    .optional()
    .meta({ description: "Our BGP identifier. Default: listen.address, if it is IPv4." }),
  clusterId: routerId().optional().meta({
    description: "The same on all reflectors of a cluster (RFC 4456 §7). Default: routerId.",
  }),
  clientToClient: flag().default(true).meta({
    description: "Reflect to clients what other clients announce; off where they are meshed.",
  }),
  listen: section({
    address: listenAddress().default("0.0.0.0").meta({
      description:
        "Where BGP listens, one address or a list; 0.0.0.0 for everywhere, :: for IPv6, too.",
    }),
    port: port().default(179).meta({ description: "TCP port." }),
  })
    .prefault({})
    .meta({ description: "Where BGP listens." }),
  timers: section({
    ...timerRows,
    endOfRibWaitSeconds: endOfRibWaitSeconds().meta({
      description:
        "For so long after the start, at most, End-of-RIB waits for peers that come back.",
    }),
  })
    .prefault({})
    .meta({ description: "All in seconds." }),
  peers: list("peers", peer).default([]).meta({ description: "Peers by name." }),
  peerGroups,
  ranges,
  peersFile: text("the path of a file").optional().meta({
    description: "Remembers peers from ranges here, and dials them after a restart. Default: not.",
  }),
  originate: list("routes", route).default([]).meta({ description: "Routes of our own." }),
  bestPath,
  slowPeers,
  api,
  metrics,
  log,
}).meta({ title: "margay speaker configuration" });

/** The file of `margay speaker` as read: defaults that need nothing else in place, text turned into values. */
export type SpeakerFile = z.output<typeof speakerSchema>;
