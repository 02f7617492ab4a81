import { healthProblems } from "../../api/health.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { type Status, StatusSchema } from "../../gen/margay/v1/status_pb.ts";
import { ApiError } from "../../api/api-error.ts";
import { ExitCode } from "../exit-code.ts";
import { counted } from "../format/pairs.ts";
import { paintFor } from "../format/paint.ts";
import { formatStatus } from "../format/status.ts";
import { jsonText } from "../json.ts";
import { writeOut } from "../output.ts";
import { type Session, withNode } from "../session.ts";
import type { StatusArguments } from "./arguments.ts";

/** `margay status` */
export function run(args: StatusArguments): Promise<number> {
  return withNode(args, async ({ daemon, programmer }) => {
    // A speaker tells what its programmer has told it.
    const { client, options } = (daemon ?? programmer) as Session;
    const { status } = await client.getStatus({}, options);
    if (status === undefined) throw new ApiError(StatusCode.INTERNAL, "the daemon sent no status");
    const problems = healthProblems(status);
    if (args.output === "json") await writeOut(`${jsonText(StatusSchema, status, 2)}\n`);
    else if (args.check) await writeOut(checkLines(status, problems));
    else await writeOut(formatStatus(status, Date.now(), paintFor(process.stdout)));
    return args.check && problems.length > 0 ? ExitCode.failed : ExitCode.ok;
  });
}

function checkLines(status: Status, problems: readonly string[]): string {
  const peers = status.peerStates.reduce((sum, { count }) => sum + count, 0);
  if (problems.length === 0) {
    const facts = `${counted(peers, "peer")} Established, ${counted(status.routes, "route")}`;
    return `healthy: ${facts}\n`;
  }
  return problems.map((problem) => `unhealthy: ${problem}\n`).join("");
}
