import { SpeakerAgent } from "../../agent/speaker-agent.ts";
import { defaultBestPath, defaultTimers } from "../../config/sections.ts";
import { plainOptions } from "../../config/resolve-peers.ts";
import { readCidr } from "../../net/cidr.ts";
import {
  formatIpAddress,
  formatIpv4,
  ipVersionOf,
  parseIpAddress,
  parseIpv4,
} from "../../net/ip-address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { openRecording } from "../../agent/recording-file.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { createLogger } from "../../platform/pino-logger.ts";
import { warmUp } from "../../agent/warm-up.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../failure.ts";
import { untilSignal } from "../until-signal.ts";
import type { ReflectorArguments } from "./arguments.ts";

const defaultPort = 179;

/** `margay reflector`: a route reflector in the foreground. */
export async function run(args: ReflectorArguments): Promise<number> {
  const listen = readEndpoint(args.listen, "--listen", "10.0.0.1:179, or [2001:db8::1]:179");
  const metrics =
    args.metrics === undefined
      ? undefined
      : readEndpoint(args.metrics, "--metrics", "127.0.0.1:9479, or [::1]:9479");
  const identifier = readIdentifier(args.routerId, "--router-id");
  const clusterId =
    args.clusterId === undefined ? identifier : readIdentifier(args.clusterId, "--cluster-id");
  const accept = args.accept.map(readRange);
  const peers = args.peer.map(readPeer);
  if (!Number.isInteger(args.asn) || args.asn < 1 || args.asn > 0xffffffff) {
    throw new UsageError(`--asn ${args.asn} is no AS number: give 1 to 4294967295`);
  }
  if (args.holdTime !== 0 && !(args.holdTime >= 3 && args.holdTime <= 65_535)) {
    throw new UsageError(
      `--hold-time ${args.holdTime} is impossible: give 0, or 3 to 65535 seconds`,
    );
  }
  const log = await createLogger({ level: args.logLevel });
  const { holdTime: holdTimeSeconds, endOfRibDefer: endOfRibWaitSeconds } = args;
  const timers = { ...defaultTimers, holdTimeSeconds, endOfRibWaitSeconds };
  const plain = plainOptions(timers);
  const client = {
    ...plain,
    client: true,
    asns: "internal",
    limit: 65_000,
  } as const;
  const dialled = { asn: "internal", passive: false, disabled: false } as const;
  const agent = new SpeakerAgent({
    role: "reflector",
    settings: {
      asn: args.asn,
      routerId: formatIpv4(identifier),
      clusterId: formatIpv4(clusterId),
      clientToClient: !args.clientsMeshed,
      listen,
      timers,
      bestPath: defaultBestPath,
      slowPeers: { maximumLagMebibytes: args.maximumLag },
      peers: peers.map((peer) => ({ ...plain, ...peer, ...dialled })),
      ranges: accept.map((prefix) => ({ prefix, ...client })),
      originate: [],
      peersFile: args.clientsFile,
      api: args.socket === undefined ? undefined : { socket: args.socket },
      metrics: metrics === undefined ? {} : { listen: metrics },
      log: { level: args.logLevel },
    },
    log,
    logLevelFixed: true,
    clock: nodeClock,
    recording: openRecording(args.record, log.logger),
  });
  try {
    warmUp(nodeClock);
    await agent.start();
    await untilSignal(() => agent.reload());
  } finally {
    await agent.stop();
    await log.flush();
  }
  return ExitCode.ok;
}

function readEndpoint(
  text: string,
  option: string,
  example: string,
): { address: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (ipVersionOf(address) === undefined || !(port <= 65_535)) {
    throw new UsageError(`${option} ${text} is not ADDRESS:PORT: give ${example}`);
  }
  return { address, port };
}

/** A peer is an address, with port 179 unless told. */
function readPeer(text: string): { address: string; port: number } {
  const whole = ipVersionOf(text) === undefined ? text : `[${text}]:${defaultPort}`;
  const endpoint = readEndpoint(whole, "--peer", "10.0.0.2, 10.0.0.2:1790 or [2001:db8::2]:1790");
  if (endpoint.port === 0) throw new UsageError("--peer has port 0: give 1 to 65535");
  return { ...endpoint, address: formatIpAddress(parseIpAddress(endpoint.address) as Uint8Array) };
}

function readIdentifier(text: string, option: string): number {
  const value = parseIpv4(text);
  if (value === undefined || value === 0) {
    throw new UsageError(`${option} ${text} is no identifier: give a dotted quad like 10.0.0.1`);
  }
  return value;
}

function readRange(text: string): Prefix {
  const reading = readCidr(text);
  if ("prefix" in reading) return reading.prefix;
  const { problem, suggestion } = reading;
  throw new UsageError(
    `--accept ${problem}${suggestion === undefined ? "" : `: write ${suggestion}`}`,
  );
}
