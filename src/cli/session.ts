import { ApiError } from "../api/api-error.ts";
import { connect, type ManagementConnection } from "../api/connect.ts";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import { nodeClock } from "../platform/node-clock.ts";
import type { ClientArguments } from "./commands/arguments.ts";
import { ExitCode } from "./exit-code.ts";
import { CliFailure, sentence } from "./failure.ts";

export const DEFAULT_SOCKET = "/run/margay/margay.sock";

/** What a command does with a daemon. */
export interface Session {
  readonly client: ManagementConnection["client"];
  /** For every call that ends by itself. */
  readonly options: { readonly timeoutMs: number };
}

/**
 * Connects as the command line says, runs `use`, disconnects, and returns its exit code. What goes wrong with the
 * daemon becomes a CliFailure with the exit code of its kind.
 */
export async function withDaemon(
  args: ClientArguments,
  use: (session: Session) => Promise<number>,
): Promise<number> {
  const host = daemonHost(args, process.env);
  const timeoutMs = args.timeout * 1000;
  // A client has nothing to save: end at once, whatever it is waiting for.
  const interrupt = (): void => process.exit(ExitCode.interrupted);
  process.once("SIGINT", interrupt);
  try {
    await using connection = await connect(host, { clock: nodeClock, timeoutMs });
    return await use({ client: connection.client, options: { timeoutMs } });
  } catch (error) {
    throw error instanceof ApiError ? failureOf(error, host) : error;
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** Where the daemon is: `--host`, `--socket`, MARGAY_HOST, MARGAY_SOCKET, the default; the first that is given. */
export function daemonHost(
  args: Pick<ClientArguments, "host" | "socket">,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (args.host !== undefined) return args.host;
  if (args.socket !== undefined) return `unix:${args.socket}`;
  const { MARGAY_HOST: host, MARGAY_SOCKET: socket } = environment;
  if (host !== undefined && host !== "") return host;
  return `unix:${socket === undefined || socket === "" ? DEFAULT_SOCKET : socket}`;
}

/** One sentence that says what happened and, where something can be done, what. */
function failureOf(error: ApiError, host: string): CliFailure {
  const advice = {
    unreachable: `Start one with "margay node --config FILE", or name another with --socket or --host.`,
    refused: "Run as root, or as a member of the socket's group.",
    timeout: "It may be overloaded; --timeout waits longer.",
  };
  const fail = (exitCode: number, ...sentences: string[]): CliFailure =>
    new CliFailure(sentences.join(" "), exitCode, { cause: error });
  const what = sentence(error.message);
  switch (error.code) {
    case StatusCode.INVALID_ARGUMENT:
      return fail(ExitCode.usage, what);
    case StatusCode.NOT_FOUND:
      return fail(ExitCode.notFound, what);
    case StatusCode.UNAVAILABLE:
      return fail(ExitCode.unreachable, what, advice.unreachable);
    case StatusCode.PERMISSION_DENIED:
      return fail(ExitCode.refused, what, host.startsWith("ws") ? "" : advice.refused);
    case StatusCode.DEADLINE_EXCEEDED:
      return fail(ExitCode.timeout, what, advice.timeout);
    default:
      return fail(ExitCode.failed, `${what} (${error.codeName})`);
  }
}
