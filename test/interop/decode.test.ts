/** A session as the wire carried it, read by `margay decode` and by Wireshark's dissector: both must tell the same. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { FOREIGN_PODS, MARGAY_PODS, Pair } from "./support/pair.ts";

const entry = `${import.meta.dirname}/../unit/cli/margay.ts`;
const added = "10.233.7.0/24";

/** What both can tell, in the order of the capture; prefixes without their lengths. */
interface Told {
  readonly types: readonly number[];
  readonly withdrawn: readonly string[];
  readonly announced: readonly string[];
  readonly nextHops: readonly string[];
  readonly origins: readonly number[];
  readonly asns: readonly number[];
  readonly meds: readonly number[];
  readonly localPrefs: readonly number[];
}

const typeCodes = ["", "open", "update", "notification", "keepalive", "route-refresh"];
const origins = ["igp", "egp", "incomplete"];

/** A line of `margay decode`, as far as it is compared. */
interface Line {
  readonly type: string;
  readonly withdrawn?: readonly string[];
  readonly announced?: readonly string[];
  readonly nextHop?: string;
  readonly origin?: string;
  readonly asPath?: string;
  readonly med?: number;
  readonly localPref?: number;
}

/** @param isWhole nobody writes the file any more */
function decode(path: string, isWhole: boolean): readonly Line[] {
  const { status, stderr, stdout } = spawnSync(process.execPath, [entry, "decode", path], {
    encoding: "utf8",
  });
  if (isWhole) assert.deepEqual([status, stderr], [0, ""]);
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Line);
}

function toldByMargay(lines: readonly Line[]): Told {
  const address = (prefix: string): string => prefix.slice(0, prefix.indexOf("/"));
  return {
    types: lines.map(({ type }) => typeCodes.indexOf(type)),
    withdrawn: lines.flatMap(({ withdrawn = [] }) => withdrawn.map(address)),
    announced: lines.flatMap(({ announced = [] }) => announced.map(address)),
    nextHops: lines.flatMap(({ nextHop }) => nextHop ?? []),
    origins: lines.flatMap(({ origin }) => (origin === undefined ? [] : origins.indexOf(origin))),
    asns: lines.flatMap(({ asPath = "" }) => asPath.split(" ").filter(Boolean).map(Number)),
    meds: lines.flatMap(({ med }) => med ?? []),
    localPrefs: lines.flatMap(({ localPref }) => localPref ?? []),
  };
}

function toldByTshark(path: string): Told {
  const attribute = "bgp.update.path_attribute";
  const fields = [
    "bgp.type",
    "bgp.withdrawn_prefix",
    "bgp.nlri_prefix",
    `${attribute}.next_hop`,
    `${attribute}.origin`,
    `${attribute}.as_path_segment.as4`,
    `${attribute}.multi_exit_disc`,
    `${attribute}.local_pref`,
  ];
  const output = execFileSync(
    "tshark",
    [
      ...["-n", "-r", path, "-Y", "bgp", "-T", "fields", "-E", "aggregator=;"],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    { encoding: "utf8", stdio: "pipe" },
  );
  const rows = output.split("\n").filter(Boolean);
  const column = (index: number): string[] =>
    rows.flatMap((row) => (row.split("\t")[index] ?? "").split(";").filter(Boolean));
  return {
    types: column(0).map(Number),
    withdrawn: column(1),
    announced: column(2),
    nextHops: column(3),
    origins: column(4).map(Number),
    asns: column(5).map(Number),
    meds: column(6).map(Number),
    localPrefs: column(7).map(Number),
  };
}

for (const kind of ["bird", "frr"] as const) {
  for (const foreignAsn of [64_512, 64_513]) {
    test(`a captured session with ${kind} in AS ${foreignAsn} reads as tshark reads it`, async () => {
      const directory = mkdtempSync(join(tmpdir(), "margay-decode-"));
      const path = join(directory, "session.pcapng");
      try {
        await using pair = await Pair.build("decode", kind, { foreignAsn });
        const { namespace } = pair.margay;
        const tshark = new Daemon({
          argv: namespace.inside(["tshark", "-q", "-i", "eth0", "-f", "tcp port 179", "-w", path]),
          logFile: join(directory, "tshark.log"),
        });
        const log = (): string => readFileSync(tshark.logFile, "utf8");
        await until("tshark to capture", () => Promise.resolve(log().includes("Capturing on")));
        await pair.start();
        await pair.established();
        await pair.foreign.announce(added);
        await until("the kernel to have the route", () => pair.kernelRoute(added).then(Boolean));
        await pair.foreign.withdraw(added);
        await until("the kernel to lose it", async () => (await pair.kernelRoute(added)) === "");
        const captured = (): boolean =>
          decode(path, false).some(({ withdrawn = [] }) => withdrawn.includes(added));
        await until("the capture to hold the withdrawal", () => Promise.resolve(captured()));
        await tshark.stop();
        const told = toldByMargay(decode(path, true));
        assert.deepEqual(told, toldByTshark(path));
        const address = (prefix: string): string => prefix.replace("/24", "");
        for (const prefix of [MARGAY_PODS, FOREIGN_PODS, added]) {
          assert.ok(told.announced.includes(address(prefix)), prefix);
        }
        assert.ok(told.withdrawn.includes(address(added)));
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
}
