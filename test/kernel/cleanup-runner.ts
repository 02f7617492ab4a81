/** Runs `margay cleanup` in the namespace it is started in: `node cleanup-runner.ts DRY_RUN`. */
import { cleanup } from "../../src/cli/commands/cleanup.ts";

process.exitCode = await cleanup({ protocol: 77, dryRun: process.argv[2] === "true" });
