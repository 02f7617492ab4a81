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
  return withNode(args, async (sessions) => {
    const [daemon, programmer] = await Promise.all([
      ask(sessions.daemon),
      ask(sessions.programmer),
    ]);
    // A speaker tells what its programmer has told it.
    const status = (daemon ?? programmer) as Status;
    const problems = [daemon, programmer].flatMap((one) => (one ? healthProblems(one) : []));
    const distinct = [...new Set(problems)];
    if (args.output === "json") await writeOut(`${jsonText(StatusSchema, status, 2)}\n`);
    else if (args.check) await writeOut(checkLines(status, distinct));
    else await writeOut(pages(daemon, programmer).join("\n"));
    return args.check && distinct.length > 0 ? ExitCode.failed : ExitCode.ok;
  });
}

async function ask(session: Session | undefined): Promise<Status | undefined> {
  if (session === undefined) return undefined;
  const { status } = await session.client.getStatus({}, session.options);
  if (status === undefined) throw new ApiError(StatusCode.INTERNAL, "the daemon sent no status");
  return status;
}

/** A page for each process; what the programmer itself tells is not told again by the speaker. */
function pages(daemon: Status | undefined, programmer: Status | undefined): string[] {
  const paint = paintFor(process.stdout);
  const page = (status: Status): string => formatStatus(status, Date.now(), paint);
  if (daemon === undefined || programmer === undefined) {
    return [daemon, programmer].flatMap((status) => (status === undefined ? [] : [page(status)]));
  }
  const { fib: _fib, kernel: _kernel, firewall: _firewall, ...speaker } = daemon;
  const told = new Set(programmer.warnings.map(({ text }) => text));
  const warnings = daemon.warnings.filter(({ text }) => !told.has(text));
  return [page({ ...speaker, warnings }), page(programmer)];
}

function checkLines(status: Status, problems: readonly string[]): string {
  const peers = status.peerStates.reduce((sum, { count }) => sum + count, 0);
  if (problems.length === 0) {
    const facts = `${counted(peers, "peer")} Established, ${counted(status.routes, "route")}`;
    return `healthy: ${facts}\n`;
  }
  return problems.map((problem) => `unhealthy: ${problem}\n`).join("");
}
