/**
 * Runs `margay cleanup` in the namespace it is started in: `node cleanup-runner.ts DRY_RUN [RT_PROTOS_DIRECTORY]`. Without the
 * directory the protocol keeps its name, which tests in other namespaces look for.
 */
import { cleanup } from "../../src/cli/commands/cleanup.ts";

const [, , dryRun, rtProtosDirectory = "/nonexistent"] = process.argv;
process.exitCode = await cleanup({ protocol: 77, dryRun: dryRun === "true", rtProtosDirectory });
