import { ApiError } from "../api/api-error.ts";
import { connect, type ManagementConnection } from "../api/connect.ts";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import { nodeClock } from "../platform/node-clock.ts";
import type { ClientArguments } from "./commands/arguments.ts";
import { ExitCode } from "./exit-code.ts";
import { CliFailure, sentence } from "./failure.ts";

const DEFAULT_SOCKET = "/run/margay/margay.sock";

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
    throw error instanceof ApiError ? failureOf(error) : error;
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** Where the daemon is: `--host`, `--socket`, MARGAY_HOST, MARGAY_SOCKET, the default; the first that is given. */
function daemonHost(
  args: Pick<ClientArguments, "host" | "socket">,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (args.host !== undefined) return args.host;
  if (args.socket !== undefined) return `unix:${args.socket}`;
  const { MARGAY_HOST: host, MARGAY_SOCKET: socket } = environment;
  if (host !== undefined && host !== "") return host;
  return `unix:${socket === undefined || socket === "" ? DEFAULT_SOCKET : socket}`;
}

const NO_DAEMON =
  'Start one with "margay node --config FILE", or name another with --socket or --host.';

/** Codes that have an exit code of their own, and what to do about them. */
const outcomes: Partial<Record<StatusCode, { exitCode: number; advice?: string }>> = {
  [StatusCode.INVALID_ARGUMENT]: { exitCode: ExitCode.usage },
  [StatusCode.NOT_FOUND]: { exitCode: ExitCode.notFound },
  [StatusCode.UNAVAILABLE]: { exitCode: ExitCode.unreachable, advice: NO_DAEMON },
  [StatusCode.PERMISSION_DENIED]: {
    exitCode: ExitCode.refused,
    advice: "Run as root, or as a member of the socket's group.",
  },
  [StatusCode.DEADLINE_EXCEEDED]: {
    exitCode: ExitCode.timeout,
    advice: "It may be overloaded; --timeout waits longer.",
  },
};

/** One sentence that says what happened and, where something can be done, what. */
function failureOf(error: ApiError): CliFailure {
  const outcome = outcomes[error.code];
  const what = sentence(error.message);
  if (outcome === undefined) {
    return new CliFailure(`${what} (${error.codeName})`, ExitCode.failed, { cause: error });
  }
  const text = outcome.advice === undefined ? what : `${what} ${outcome.advice}`;
  return new CliFailure(text, outcome.exitCode, { cause: error });
}
