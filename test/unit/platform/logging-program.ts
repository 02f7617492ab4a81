import { createLogger } from "../../../src/platform/pino-logger.ts";

/** A program that logs, for pino-logger.test.ts: `node logging-program.ts json|pretty flush|exit|flood`. */
const [format, ending] = process.argv.slice(2);
const control = await createLogger({
  level: "info",
  bindings: { node: "a1" },
  pretty: format === "pretty",
});
const child = control.logger.child({ component: "fsm" });

if (ending === "flood") {
  // Nobody reads: far more than the pipe and the buffer hold.
  for (let line = 0; line < 40_000; line++) child.info({ line, padding: "x".repeat(200) }, "flood");
  const started = performance.now();
  setTimeout(() => {
    process.stdout.write(`turned after ${Math.round(performance.now() - started)} ms\n`);
    process.exit(0);
  }, 10);
} else {
  child.debug({}, "below the level");
  control.setLevel("debug");
  child.debug({ peer: "192.168.1.3" }, "the child follows the level");
  child.info({ password: "hunter2", peer: { token: "hunter2" } }, "secrets");
  control.setLevel("error");
  child.warn({}, "below the level again");
  control.logger.error({ err: new Error("boom") }, "the end");
  if (ending === "exit") process.exit(0);
  await control.flush();
}
