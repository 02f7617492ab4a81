import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { type ReplayView, RecordingError, replayView } from "../../agent/replay-view.ts";
import { RouteSchema } from "../../gen/margay/v1/route_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { CliFailure } from "../failure.ts";
import { replayedPeerColumns, replayedText } from "../format/replayed.ts";
import { routeColumns, routeRows } from "../format/route.ts";
import { jsonText } from "../json.ts";
import { note, stdoutTable, writeOut } from "../output.ts";
import type { ReplayArguments } from "./arguments.ts";

/** `margay replay FILE`: what a recording comes to: the RIBs, and a digest of what each peer was sent. */
export async function run(args: ReplayArguments): Promise<number> {
  const { file, until, run: number } = args;
  let view: ReplayView;
  try {
    const options = { run: number, untilMs: until === undefined ? undefined : until * 1000 };
    view = replayView(readRecording(file), options);
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    throw new CliFailure(`${file} cannot be replayed: ${error.message}`, ExitCode.failed);
  }
  await (args.output === "json" ? printJson(view) : printTables(view, args));
  for (const line of replayedText(file, view)) note(line);
  return view.difference === undefined ? ExitCode.ok : ExitCode.failed;
}

/** @throws CliFailure when it cannot be read */
function readRecording(file: string): Uint8Array {
  try {
    const octets = readFileSync(file);
    return octets[0] === 0x1f && octets[1] === 0x8b ? gunzipSync(octets) : octets;
  } catch (error) {
    const { message } = error as Error;
    throw new CliFailure(`${file} cannot be read: ${message}`, ExitCode.usage, { cause: error });
  }
}

async function printTables(view: ReplayView, args: ReplayArguments): Promise<void> {
  const routes = stdoutTable(routeColumns, args);
  let any = false;
  for (const route of view.routes) {
    await writeOut(routes.lines(routeRows(create(RouteSchema, route))));
    any = true;
  }
  if (!any) note("The RIBs are empty.");
  if (view.peers.length === 0) return;
  const peers = stdoutTable(replayedPeerColumns, args);
  await writeOut(`${any ? "\n" : ""}${peers.lines(view.peers)}`);
}

async function printJson({ routes, ...rest }: ReplayView): Promise<void> {
  await writeOut('{"routes":[');
  let separator = "\n";
  for (const route of routes) {
    await writeOut(`${separator}${jsonText(RouteSchema, create(RouteSchema, route))}`);
    separator = ",\n";
  }
  await writeOut(`\n],${JSON.stringify(rest).slice(1)}\n`);
}
