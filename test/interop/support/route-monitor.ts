import { Daemon } from "../../support/daemon.ts";
import type { Namespace } from "../../support/netns.ts";
import { until } from "../../support/until.ts";

/** Records every change of a namespace's kernel routes from its start on (`ip monitor route`). */
export class RouteMonitor {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Resolves when it listens. @param logFile is this monitor's alone */
  static async start(namespace: Namespace, logFile: string): Promise<RouteMonitor> {
    const argv = namespace.inside(["stdbuf", "-oL", "ip", "-4", "-o", "monitor", "route"]);
    const monitor = new RouteMonitor(new Daemon({ argv, logFile }));
    // It says nothing when it is ready: a route that comes and goes shows it.
    await until("ip monitor to listen", async () => {
      monitor.#daemon.assertAlive();
      await namespace.run(["ip", "route", "replace", "unreachable", probe, "metric", "4242"]);
      await namespace.run(["ip", "route", "delete", "unreachable", probe, "metric", "4242"]);
      return monitor.#daemon.log().includes(probe);
    });
    return monitor;
  }

  /** The lines that tell of a route inside a prefix that was deleted, `10.233.` say. */
  deleted(inside: string): readonly string[] {
    const head = `Deleted ${inside}`;
    return this.#daemon
      .log()
      .split("\n")
      .filter((line) => line.startsWith(head));
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}

const probe = "198.51.100.42";
