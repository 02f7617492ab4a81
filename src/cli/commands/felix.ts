import { FelixAgent } from "../../agent/felix-agent.ts";
import { missingNetAdmin } from "../../agent/privileges.ts";
import { warmUpProgrammer } from "../../agent/warm-up.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { runNodeDaemon } from "../node-daemon.ts";
import type { FelixArguments } from "./arguments.ts";

/** `margay felix`: the programmer of a node in a process of its own. */
export function run(args: FelixArguments): Promise<number> {
  return runNodeDaemon({
    args,
    missing: () => missingNetAdmin("margay felix", ""),
    create: (options) => {
      const agent = new FelixAgent(options);
      return {
        start: async () => {
          await warmUpProgrammer(nodeClock);
          await agent.start();
        },
        reload: () => agent.reload(),
        stop: () => agent.stop({ cleanup: args.cleanup }),
      };
    },
  });
}
