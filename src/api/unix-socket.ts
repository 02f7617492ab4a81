import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

/** Owner and group may speak to the daemon. */
const SOCKET_MODE = 0o660;

/** A listener that could not be opened; the message is one sentence that says what to do. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ListenError";
  }
}

/**
 * Listens on a unix socket: makes its directory, and takes the place of a socket that a dead process left behind, but
 * of nothing else. Throws ListenError.
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  await clearStaleSocket(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    await listenWithMode(server, path);
  } catch (error) {
    throw new ListenError(unixSocketAdvice(path, error), { cause: error });
  }
}

async function listenWithMode(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", resolve);
  // bind(2) happens inside listen(): the mask leaves no moment at which others may connect.
  const mask = process.umask(0o777 & ~SOCKET_MODE);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await promise;
  server.removeListener("error", reject);
  chmodSync(path, SOCKET_MODE);
}

async function clearStaleSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new ListenError(`${path} exists and is no socket: move it away or give another path.`);
  }
  if (await someoneListens(path)) {
    throw new ListenError(
      `Another daemon already listens on ${path}: stop it or give another socket path.`,
    );
  }
  unlinkSync(path);
}

async function someoneListens(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
    // A full backlog: somebody has it and is busy.
    else if (error.code === "EAGAIN") resolve(true);
    else reject(new ListenError(unixSocketAdvice(path, error), { cause: error }));
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

function unixSocketAdvice(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") {
    return `No permission to make the socket ${path}: run as root or give a path in a directory of your own.`;
  }
  return `Cannot listen on ${path}: ${message}.`;
}
