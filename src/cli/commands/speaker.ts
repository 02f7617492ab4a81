import { SpeakerAgent } from "../../agent/speaker-agent.ts";
import type { NodeAgentOptions } from "../../agent/node-agent.ts";
import { NodeSpeakerAgent } from "../../agent/node-speaker-agent.ts";
import { isNodeFile, loadSpeaker } from "../../config/load-speaker.ts";
import { formatProblems } from "../../config/problem.ts";
import { openRecording } from "../../agent/recording-file.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { createLogger } from "../../platform/pino-logger.ts";
import { warmUp } from "../../agent/warm-up.ts";
import { ExitCode } from "../exit-code.ts";
import { runNodeDaemon } from "../node-daemon.ts";
import { untilSignal } from "../until-signal.ts";
import type { SpeakerArguments } from "./arguments.ts";

/** `margay speaker`: the BGP side alone, in the foreground; of a node, where the file is one of a node. */
export function run(args: SpeakerArguments): Promise<number> {
  if (!isNodeFile(args.config)) return runSpeaker(args);
  const create = (options: NodeAgentOptions): NodeSpeakerAgent => new NodeSpeakerAgent(options);
  return runNodeDaemon({ args, missing: () => undefined, create });
}

async function runSpeaker(args: SpeakerArguments): Promise<number> {
  const loaded = loadSpeaker(args.config);
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  if (problems.length > 0) process.stderr.write(`${formatProblems(problems)}\n`);
  if (!loaded.ok) return ExitCode.usage;
  const { settings } = loaded;
  const log = await createLogger({ level: args.logLevel ?? settings.log.level });
  const agent = new SpeakerAgent({
    role: "speaker",
    settings,
    configPath: args.config,
    log,
    logLevelFixed: args.logLevel !== undefined,
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
