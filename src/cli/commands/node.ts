import { NodeAgent } from "../../agent/node-agent.ts";
import { missingNetAdmin } from "../../agent/privileges.ts";
import { warmUpProgrammer } from "../../agent/warm-up.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { runNodeDaemon } from "../node-daemon.ts";
import type { NodeArguments } from "./arguments.ts";

/** `margay node`: the per-node daemon. */
export function run(args: NodeArguments): Promise<number> {
  return runNodeDaemon({
    args,
    missing: () => missingNetAdmin("margay node", " (and CAP_NET_BIND_SERVICE for port 179)"),
    create: (options) => {
      const agent = new NodeAgent(options);
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
