import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Contender, Place } from "./daemon.ts";
import { versionOf } from "./installed.ts";

/** BIRD 2: one dynamic protocol for all clients, and no kernel protocol. */
export class Bird implements Contender {
  readonly key = "bird";
  readonly name = "BIRD";

  version(): Promise<string | undefined> {
    return versionOf(["bird", "--version"]);
  }

  async prepare(place: Place): Promise<readonly string[]> {
    const file = join(place.directory, "bird.conf");
    await writeFile(file, configuration(place));
    return ["bird", "-f", "-c", file, "-s", join(place.directory, "bird.ctl")];
  }
}

function configuration({ address, port, asn, clients }: Place): string {
  return `log stderr { warning, error, fatal, bug };
router id ${address};
protocol device { scan time 3600; }
protocol bgp clients {
  local ${address} port ${port} as ${asn};
  neighbor range ${clients} as ${asn};
  dynamic name "client";
  passive yes;
  strict bind yes;
  multihop;
  rr client;
  rr cluster id ${address};
  hold time 240;
  ipv4 { import all; export all; };
}
`;
}
