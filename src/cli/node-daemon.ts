import type { NodeAgentOptions } from "../agent/node-agent.ts";
import { openRecording } from "../agent/recording-file.ts";
import { loadNodeConfig } from "../config/load.ts";
import { formatProblems } from "../config/problem.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { createLogger } from "../platform/pino-logger.ts";
import { releaseStartupMemory } from "../platform/startup-memory.ts";
import { haveV8ThreadsGiveWay } from "../platform/v8-threads.ts";
import type { NodeArguments } from "./commands/arguments.ts";
import { ExitCode } from "./exit-code.ts";
import { CliFailure } from "./failure.ts";
import { untilSignal } from "./until-signal.ts";

/** A daemon over a node's files. */
interface NodeDaemon {
  start(): Promise<void>;
  reload(): Promise<void>;
  stop(): Promise<void>;
}

interface NodeDaemonOptions {
  readonly args: Pick<NodeArguments, "config" | "logLevel" | "record">;
  /** What this process lacks to do its work, in one sentence. */
  readonly missing: () => string | undefined;
  readonly create: (options: NodeAgentOptions) => NodeDaemon;
}

/** Runs a daemon in the foreground, until SIGTERM or SIGINT. Resolves to the exit code. */
export async function runNodeDaemon(options: NodeDaemonOptions): Promise<number> {
  const { args, missing, create } = options;
  const loaded = loadNodeConfig(args.config);
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems([...loaded.errors, ...loaded.warnings])}\n`);
    return ExitCode.usage;
  }
  const { config, cluster, warnings } = loaded;
  if (warnings.length > 0) process.stderr.write(`${formatProblems(warnings)}\n`);
  const privilege = missing();
  if (privilege !== undefined) throw new CliFailure(privilege, ExitCode.failed);
  const log = await createLogger({
    level: args.logLevel ?? config.log.level,
    bindings: { node: config.node.name },
  });
  const daemon = create({
    configPath: args.config,
    config,
    cluster,
    log,
    logLevelFixed: args.logLevel !== undefined,
    clock: nodeClock,
    recording: openRecording(args.record, log.logger),
  });
  try {
    haveV8ThreadsGiveWay();
    releaseStartupMemory();
    await daemon.start();
    await untilSignal(() => daemon.reload());
  } finally {
    await daemon.stop();
    await log.flush();
  }
  return ExitCode.ok;
}
