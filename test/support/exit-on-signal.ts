import { constants } from "node:os";

let done = false;

/** From now on a signal ends this process by process.exit, so that what is cleaned up at "exit" is cleaned up then too. */
export function exitOnSignals(): void {
  if (done) return;
  done = true;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
