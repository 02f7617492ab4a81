import { join } from "node:path";
import type { Contender, Place } from "./daemon.ts";

const program = join(import.meta.dirname, "../tester/null-reflector.ts");

/** The tester's own reflector, which has no RIB. */
export class Floor implements Contender {
  readonly key = "floor";
  readonly name = "floor";

  version(): Promise<string | undefined> {
    return Promise.resolve(process.version.slice(1));
  }

  prepare({ address, port, asn }: Place): Promise<readonly string[]> {
    return Promise.resolve([process.execPath, program, address, String(port), String(asn)]);
  }
}
