import { join } from "node:path";
import type { Contender, Place } from "./daemon.ts";
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
      ...["--socket", join(directory, "margay.sock")],
      ...["--log-level", "warn"],
    ]);
  }
}
