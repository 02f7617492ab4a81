import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../test/support/run.ts";
import type { Contender, Place } from "./daemon.ts";
import { versionOf } from "./installed.ts";

/** OpenBGPD portable: one template for the whole range of clients, and no FIB. */
export class OpenBgpd implements Contender {
  readonly key = "openbgpd";
  readonly name = "OpenBGPD";

  version(): Promise<string | undefined> {
    return versionOf(["bgpd", "-V"]);
  }

  async prepare(place: Place): Promise<readonly string[]> {
    const file = join(place.directory, "bgpd.conf");
    await writeFile(file, configuration(place));
    await chmod(file, 0o600); // it refuses one that others may read
    // It changes root to the home of its user, which systemd makes for the service and nobody makes for us.
    const user = await run(["getent", "passwd", "_openbgpd"]);
    await mkdir(user.split(":")[5] ?? "", { recursive: true, mode: 0o755 });
    return ["bgpd", "-d", "-f", file];
  }
}

function configuration({ address, port, asn, clients, directory }: Place): string {
  return `AS ${asn}
router-id ${address}
listen on ${address} port ${port}
socket "${join(directory, "bgpd.sock")}"
holdtime 240
fib-update no
neighbor ${clients} {
  remote-as ${asn}
  descr "clients"
  passive
  route-reflector ${address}
  announce IPv4 unicast
  announce IPv6 none
}
allow from any
allow to any
`;
}
