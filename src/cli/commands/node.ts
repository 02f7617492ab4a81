import { NodeAgent } from "../../agent/node-agent.ts";
import { missingPrivilege } from "../../agent/privileges.ts";
import { loadNodeConfig } from "../../config/load.ts";
import { formatProblems } from "../../config/problem.ts";
import { openRecording } from "../../agent/recording-file.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { createLogger } from "../../platform/pino-logger.ts";
import { releaseStartupMemory } from "../../platform/startup-memory.ts";
import { CliFailure } from "../failure.ts";
import { ExitCode } from "../exit-code.ts";
import { untilSignal } from "../until-signal.ts";
import type { NodeArguments } from "./arguments.ts";

/** `margay node`: the per-node daemon. */
export async function run(args: NodeArguments): Promise<number> {
  const loaded = loadNodeConfig(args.config);
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems([...loaded.errors, ...loaded.warnings])}\n`);
    return ExitCode.usage;
  }
  const { config, cluster, warnings } = loaded;
  if (warnings.length > 0) process.stderr.write(`${formatProblems(warnings)}\n`);
  const privilege = missingPrivilege();
  if (privilege !== undefined) throw new CliFailure(privilege, ExitCode.failed);
  const log = await createLogger({
    level: args.logLevel ?? config.log.level,
    bindings: { node: config.node.name },
  });
  const agent = new NodeAgent({
    configPath: args.config,
    config,
    cluster,
    log,
    logLevelFixed: args.logLevel !== undefined,
    clock: nodeClock,
    recording: openRecording(args.record, log.logger),
  });
  try {
    releaseStartupMemory();
    await agent.start();
    await untilSignal(() => agent.reload());
  } finally {
    await agent.stop({ cleanup: args.cleanup });
    await log.flush();
  }
  return ExitCode.ok;
}
