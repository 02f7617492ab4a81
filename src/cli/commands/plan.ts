import { connect } from "../../api/connect.ts";
import { ApiError } from "../../api/api-error.ts";
import { planNode } from "../../agent/plan-node.ts";
import { loadNodeConfig } from "../../config/load.ts";
import { formatProblems } from "../../config/problem.ts";
import type { RouteIntent } from "../../felix/intent.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { NetlinkError } from "../../netlink/errno.ts";
import { nodeClock } from "../../platform/node-clock.ts";
import { ExitCode } from "../exit-code.ts";
import { CliFailure, sentence } from "../failure.ts";
import { note, writeOut } from "../output.ts";
import { programmerHost } from "../session.ts";
import type { PlanArguments } from "./arguments.ts";

/** `margay plan`: what a configuration would change in this kernel, as commands; changes nothing. */
export async function run(args: PlanArguments): Promise<number> {
  const loaded = loadNodeConfig(args.config);
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems([...loaded.errors, ...loaded.warnings])}\n`);
    return ExitCode.usage;
  }
  const { config, cluster } = loaded;
  const socket = args.socket ?? config.api.socket;
  const selected = args.offline ? undefined : await selectedRoutes(socket, args.timeout * 1000);
  if (selected === undefined) {
    note(
      "No daemon was asked: these are the routes of the cluster's members; what else is ours stays.",
    );
  }
  try {
    const { commands, problems } = await planNode(config, cluster, nodeClock, selected);
    const lines = [...commands, ...problems.map((problem) => `# ${problem}`)];
    if (lines.length === 0) note("Nothing would change.");
    else await writeOut(`${lines.join("\n")}\n`);
    return ExitCode.ok;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    throw new CliFailure(sentence(error.message), ExitCode.failed, { cause: error });
  }
}

/** What the daemon has selected, or `undefined` where none answers. */
async function selectedRoutes(
  socket: string,
  timeoutMs: number,
): Promise<RouteIntent[] | undefined> {
  const host = `unix:${socket}`;
  const programmer = programmerHost(host);
  const beside = programmer === undefined ? undefined : await routesOf(programmer, timeoutMs);
  return beside ?? routesOf(host, timeoutMs);
}

async function routesOf(host: string, timeoutMs: number): Promise<RouteIntent[] | undefined> {
  try {
    await using connection = await connect(host, { clock: nodeClock, timeoutMs });
    const routes: RouteIntent[] = [];
    for await (const { entries } of connection.client.getFib({}, { timeoutMs })) {
      for (const { prefix: text, wanted } of entries) {
        const prefix = parsePrefix(text);
        if (prefix === undefined || wanted?.type !== "unicast" || wanted.via === "") continue;
        routes.push({ prefix, nextHops: wanted.via.split(",") });
      }
    }
    return routes;
  } catch (error) {
    if (error instanceof ApiError && error.code === StatusCode.UNAVAILABLE) return undefined;
    throw error instanceof ApiError
      ? new CliFailure(sentence(error.message), ExitCode.failed, { cause: error })
      : error;
  }
}
