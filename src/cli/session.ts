import { dirname, join } from "node:path";
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

/** The daemons of a node: one, or a speaker and a programmer of which either may be away. */
export interface NodeSession {
  /** The one that has peers. */
  readonly daemon: Session | undefined;
  /** The programmer, where it has a process of its own. */
  readonly programmer: Session | undefined;
}

/**
 * Connects as the command line says, runs `use`, disconnects, and returns its exit code. What goes wrong with the
 * daemon becomes a CliFailure with the exit code of its kind.
 */
export function withDaemon(
  args: ClientArguments,
  use: (session: Session) => Promise<number>,
): Promise<number> {
  return connected(args, async (open) => use(await open(daemonHost(args, process.env))));
}

/** The same with the programmer of a node, too, where that is a process of its own. One of the two must be there. */
export function withNode(
  args: ClientArguments,
  use: (session: NodeSession) => Promise<number>,
): Promise<number> {
  return connected(args, async (open) => {
    const host = daemonHost(args, process.env);
    const beside = programmerHost(host);
    const isOther = beside !== undefined && beside !== host;
    const programmer = isOther ? await open(beside).catch(orNobody) : undefined;
    const daemon = await open(host).catch((error: unknown) => {
      if (programmer === undefined) throw error;
      return orNobody(error);
    });
    return use({ daemon, programmer });
  });
}

/** With whichever of a node's daemons programs routes. */
export function withProgrammer(
  args: ClientArguments,
  use: (session: Session) => Promise<number>,
): Promise<number> {
  return withNode(args, ({ daemon, programmer }) => use((programmer ?? daemon) as Session));
}

async function connected(
  args: ClientArguments,
  use: (open: (host: string) => Promise<Session>) => Promise<number>,
): Promise<number> {
  const timeoutMs = args.timeout * 1000;
  // A client has nothing to save: end at once, whatever it is waiting for.
  const interrupt = (): void => process.exit(ExitCode.interrupted);
  process.once("SIGINT", interrupt);
  const connections: ManagementConnection[] = [];
  try {
    return await use(async (host) => {
      const connection = await connect(host, { clock: nodeClock, timeoutMs });
      connections.push(connection);
      return { client: connection.client, options: { timeoutMs } };
    });
  } catch (error) {
    throw error instanceof ApiError ? failureOf(error) : error;
  } finally {
    for (const connection of connections) connection.close();
    process.removeListener("SIGINT", interrupt);
  }
}

function orNobody(error: unknown): undefined {
  if (error instanceof ApiError && error.code === StatusCode.UNAVAILABLE) return undefined;
  throw error;
}

/** Where the programmer of a node is that has two processes: beside the speaker's socket. */
export function programmerHost(host: string): string | undefined {
  const path = host.startsWith("unix:") ? host.slice("unix:".length) : host;
  return path.startsWith("/") ? `unix:${join(dirname(path), "felix.sock")}` : undefined;
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
