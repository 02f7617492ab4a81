import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Contender, Place, Turns } from "./daemon.ts";
import { versionOf } from "./installed.ts";

const program = join(import.meta.dirname, "../../bin/margay.js");

/** margay as it is shipped: `dist/`, which must be built. */
export class Margay implements Contender {
  readonly key = "margay";
  readonly name = "margay";

  version(): Promise<string | undefined> {
    return versionOf([process.execPath, program, "--version"]);
  }

  prepare({ address, port, asn, clients, directory }: Place): Promise<readonly string[]> {
    return Promise.resolve([
      ...[process.execPath, program, "reflector"],
      ...["--listen", `${address}:${port}`],
      ...["--asn", String(asn)],
      ...["--router-id", address],
      ...["--accept", clients],
      ...["--socket", socketIn(directory)],
      ...["--log-level", "warn"],
    ]);
  }
  async turns({ directory }: Place): Promise<Turns> {
    const argv = [program, "status", "--output=json", `--socket=${socketIn(directory)}`];
    const { stdout } = await promisify(execFile)(process.execPath, argv);
    const { eventLoop } = JSON.parse(stdout) as { eventLoop: { sinceStart: Turns } };
    return eventLoop.sinceStart;
  }
}

function socketIn(directory: string): string {
  return join(directory, "margay.sock");
}
