import type { Argv } from "yargs";
import {
  cleanupOption,
  configFile,
  logLevelOption,
  logLevels,
  recordOption,
  wholeNumber,
} from "./options.ts";
import { command, type CommandRow } from "./row.ts";

const MAXIMUM_ASN = 2 ** 32 - 1;

/** The rows of the table of commands that run a daemon. */
export const daemons: readonly CommandRow[] = [
  command({
    usage: "node",
    describe: "Run the daemon of a node: BGP sessions, and their routes in the kernel.",
    examples: [["node --config /etc/margay/node.yaml", "in the foreground, until SIGTERM"]],
    options: (parser: Argv) =>
      parser
        .option("config", configFile("The node's YAML file; docs/CONFIG.md. SIGHUP reads it again"))
        .option("cleanup", cleanupOption)
        .option("record", recordOption)
        .option("log-level", logLevelOption),
    load: () => import("./node.ts"),
  }),
  command({
    usage: "speaker",
    describe:
      "Run the BGP side alone: a route server, a transit router's control plane, a peer in a lab, or that of a node whose routes margay felix programs. Touches no kernel route.",
    examples: [
      ["speaker --config /etc/margay/speaker.yaml", "in the foreground, until SIGTERM"],
      ["speaker --config /etc/margay/node.yaml", "of a node, beside margay felix"],
    ],
    options: (parser: Argv) =>
      parser
        .option(
          "config",
          configFile(
            "The YAML file of a speaker or of a node; docs/CONFIG.md. SIGHUP reads it again",
          ),
        )
        .option("record", recordOption)
        .option("log-level", logLevelOption),
    load: () => import("./speaker.ts"),
  }),
  command({
    usage: "felix",
    describe:
      "Run the programmer of a node alone: follows the routes of margay speaker, and keeps the kernel's so. Speaks to no peer.",
    examples: [["felix --config /etc/margay/node.yaml", "in the foreground, until SIGTERM"]],
    options: (parser: Argv) =>
      parser
        .option("config", configFile("The node's YAML file; docs/CONFIG.md. SIGHUP reads it again"))
        .option("cleanup", cleanupOption)
        .option("log-level", logLevelOption),
    load: () => import("./felix.ts"),
  }),
  command({
    usage: "reflector",
    describe:
      "Run a route reflector: takes any client of the given ranges, touches no kernel route.",
    examples: [
      [
        "reflector --listen 0.0.0.0:179 --asn 64512 --router-id 192.168.1.1 --accept 192.168.0.0/16",
        "",
      ],
    ],
    options: (parser: Argv) =>
      parser
        .option("listen", {
          type: "string",
          demandOption: true,
          requiresArg: true,
          describe: "ADDRESS:PORT for BGP, an IPv6 address in brackets",
        })
        .option("asn", {
          demandOption: true,
          requiresArg: true,
          describe: "Our AS number, and that of the clients",
          coerce: wholeNumber("asn", 1, MAXIMUM_ASN),
        })
        .option("router-id", {
          type: "string",
          demandOption: true,
          requiresArg: true,
          describe: "Our BGP Identifier, a dotted quad",
        })
        .option("cluster-id", {
          type: "string",
          requiresArg: true,
          describe: "The same on all reflectors of a cluster; else the router ID",
        })
        .option("clients-meshed", {
          type: "boolean",
          default: false,
          describe: "Clients have sessions among themselves: not reflected from one to another",
        })
        .option("accept", {
          type: "string",
          array: true,
          demandOption: true,
          requiresArg: true,
          describe: "CIDR that clients connect from; may be repeated",
        })
        .option("peer", {
          type: "string",
          array: true,
          default: [],
          requiresArg: true,
          describe:
            "ADDRESS or ADDRESS:PORT of another reflector, no client of ours; may be repeated",
        })
        .option("end-of-rib-defer", {
          default: 30,
          requiresArg: true,
          describe: "After a start wait so many seconds at most for clients to come back",
          coerce: wholeNumber("end-of-rib-defer", 0, 3600),
        })
        .option("maximum-lag", {
          default: 16,
          requiresArg: true,
          describe: "MiB that may wait for clients that read slowly, before they are fed anew",
          coerce: wholeNumber("maximum-lag", 1, 4096),
        })
        .option("clients-file", {
          type: "string",
          requiresArg: true,
          describe: "Remember clients in this file, and dial them after a restart",
        })
        .option("socket", {
          type: "string",
          requiresArg: true,
          describe: "Serve the API on this unix socket; else nowhere",
        })
        .option("metrics", {
          type: "string",
          requiresArg: true,
          describe: "Serve Prometheus metrics and probes on this ADDRESS:PORT; else nowhere",
        })
        .option("hold-time", {
          default: 90,
          requiresArg: true,
          describe: "Seconds to offer; 0: none",
          coerce: wholeNumber("hold-time", 0, 65_535),
        })
        .option("record", recordOption)
        .option("log-level", { choices: logLevels, default: "info" as const, requiresArg: true }),
    load: () => import("./reflector.ts"),
  }),
];
