import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Contender, Place } from "./daemon.ts";
import { versionOf } from "./installed.ts";

/** GoBGP: dynamic neighbours of one peer group. It writes no kernel routes unless told. */
export class GoBgp implements Contender {
  readonly key = "gobgp";
  readonly name = "GoBGP";

  version(): Promise<string | undefined> {
    return versionOf(["gobgpd", "--version"]);
  }

  async prepare(place: Place): Promise<readonly string[]> {
    const file = join(place.directory, "gobgpd.toml");
    await writeFile(file, configuration(place));
    // Its API listens in the namespace that is its own.
    return ["gobgpd", "-t", "toml", "-f", file, "--api-hosts", "127.0.0.1:50051", "-l", "warn"];
  }
}

function configuration({ address, port, asn, clients }: Place): string {
  return `[global.config]
  as = ${asn}
  router-id = "${address}"
  port = ${port}
  local-address-list = ["${address}"]

[[peer-groups]]
  [peer-groups.config]
    peer-group-name = "clients"
    peer-as = ${asn}
  [peer-groups.timers.config]
    hold-time = 240
    keepalive-interval = 80
  [peer-groups.transport.config]
    passive-mode = true
  [peer-groups.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "${address}"
  [[peer-groups.afi-safis]]
    [peer-groups.afi-safis.config]
      afi-safi-name = "ipv4-unicast"

[[dynamic-neighbors]]
  [dynamic-neighbors.config]
    prefix = "${clients}"
    peer-group = "clients"
`;
}
