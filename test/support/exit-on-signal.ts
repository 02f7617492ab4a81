import { constants } from "node:os";

/** A signal ends this process by process.exit, so that what is cleaned up at "exit" is cleaned up then too. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
