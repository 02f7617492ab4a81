import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Contender, Place } from "./daemon.ts";
import { versionOf } from "./installed.ts";

const program = "/usr/lib/frr/bgpd";

/** FRRouting's bgpd alone: without zebra, and without routes in the kernel. */
export class Frr implements Contender {
  readonly key: string = "frr";
  readonly name: string = "FRR";
  readonly greetingSeconds = 2;
  /** More lines for its `router bgp`. */
  readonly #tuning: readonly string[];

  constructor(tuning: readonly string[] = []) {
    this.#tuning = tuning;
  }

  version(): Promise<string | undefined> {
    return versionOf([program, "--version"]);
  }

  async prepare(place: Place): Promise<readonly string[]> {
    const { address, port, directory } = place;
    const file = join(directory, "bgpd.conf");
    const sockets = join(directory, "vty");
    await mkdir(sockets);
    await writeFile(file, configuration(place, this.#tuning));
    for (const path of [directory, sockets]) await chmod(path, 0o777);
    return [
      ...[program, "--skip_runas", "-u", "root", "-g", "root"],
      ...["--no_zebra", "--no_kernel", "-z", join(directory, "no-zebra")],
      ...["-f", file, "-i", join(directory, "bgpd.pid"), "--vty_socket", sockets],
      ...["-l", address, "-p", String(port), "-P", "0", "--limit-fds", "20000"],
      ...["--log", "stdout", "--log-level", "err"],
    ];
  }
}

/** FRR that does not put a first dump off for seconds when many peers come at once, as its users set it. */
export class TunedFrr extends Frr {
  override readonly key = "frr-tuned";
  override readonly name = "FRR, coalesce-time 1000";

  constructor() {
    super(["coalesce-time 1000"]);
  }

  isMeasuredIn(family: string): boolean {
    return ["restart", "ramp", "storm"].includes(family);
  }
}

function configuration({ address, asn, clients }: Place, tuning: readonly string[]): string {
  const lines = [
    "frr defaults traditional",
    "hostname frr",
    `router bgp ${asn}`,
    ` bgp router-id ${address}`,
    ` bgp cluster-id ${address}`,
    " bgp listen limit 5000",
    " no bgp default ipv4-unicast",
    " no bgp network import-check",
    ...tuning.map((line) => ` ${line}`),
    " timers bgp 80 240",
    " neighbor clients peer-group",
    ` neighbor clients remote-as ${asn}`,
    " neighbor clients passive",
    ` bgp listen range ${clients} peer-group clients`,
    " address-family ipv4 unicast",
    "  neighbor clients activate",
    "  neighbor clients route-reflector-client",
    " exit-address-family",
  ];
  return `${lines.join("\n")}\n`;
}
