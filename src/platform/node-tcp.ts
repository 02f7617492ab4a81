import { createServer, type Server, Socket } from "node:net";
import { formatEndpoint } from "../net/endpoint.ts";
import { badSignatures } from "./bad-signatures.ts";
import { bindListener, closeSocket, openSocket, setSocketOptions } from "./linux-socket.ts";
import { ListenerKeys } from "./listener-keys.ts";
import {
  applyOptions,
  describeError,
  descriptorOf,
  mayHaveOptions,
  NodeTcpConnection,
  versionOf,
} from "./node-tcp-connection.ts";
import {
  type DialOptions,
  type ListenOptions,
  type Tcp,
  type TcpDial,
  type TcpListener,
  TcpListenError,
  TcpOptionError,
  type TcpOptions,
} from "./tcp.ts";

/** Thousands of nodes connect at once when a reflector comes back; a short queue would have them retransmit in step. */
const listenBacklog = 4096;

/** Octets a socket may hold before `write` says it is full. */
const sendBufferOctets = 256 * 1024;

/**
 * What the other end has closed is closed here when its session is, in the speaker's turns: Node would do so at once, which
 * for a thousand at a time is a tenth of a second in which nobody else is heard.
 */
const allowHalfOpen = true;

/** A socket to dial with, its options in place before the first SYN. @throws TcpOptionError @throws NodeJS.ErrnoException */
function dialSocket(address: string, options: TcpOptions): Socket {
  const settings = { allowHalfOpen, writableHighWaterMark: sendBufferOctets };
  if (Object.keys(options).length === 0 || !mayHaveOptions(options)) {
    return new Socket(settings);
  }
  const fd = openSocket(versionOf(address));
  try {
    applyOptions(fd, address, options);
    return new Socket({ fd, ...settings });
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

function dial(options: DialOptions): TcpDial {
  const { address, port, localAddress, options: tcpOptions = {} } = options;
  let socket: Socket;
  try {
    socket = dialSocket(address, tcpOptions);
  } catch (error) {
    const failing = setImmediate(() => options.failed(describeError(error as Error)));
    return { cancel: () => clearImmediate(failing) };
  }
  let failure = "connection closed by the peer";
  const fail = (): void => options.failed(failure);
  const note = (error: NodeJS.ErrnoException): void => {
    failure = describeError(error);
  };
  socket.on("error", note).once("close", fail);
  socket.once("connect", () => {
    socket.off("close", fail).off("error", note);
    options.connected(new NodeTcpConnection(socket, false, tcpOptions));
  });
  // In this tick: a socket that was made of a descriptor is read from the next on.
  socket.connect({ host: address, port, ...(localAddress !== undefined && { localAddress }) });
  return {
    cancel() {
      socket.removeAllListeners("connect").removeAllListeners("close");
      socket.destroy();
    },
  };
}

function listenError(error: NodeJS.ErrnoException, where: string): TcpListenError {
  const cause = { cause: error };
  switch (error.code) {
    case "EADDRINUSE":
      return new TcpListenError(
        `${where} is in use: stop the other BGP daemon (\`ss -ltnp\` names it) or listen on another port`,
        cause,
      );
    case "EACCES":
      return new TcpListenError(
        `no permission to listen on ${where}: run as root or grant CAP_NET_BIND_SERVICE`,
        cause,
      );
    case "EADDRNOTAVAIL":
      return new TcpListenError(
        `cannot listen on ${where}: no interface of this machine has that address`,
        cause,
      );
    case undefined:
    default:
      return new TcpListenError(`cannot listen on ${where}: ${error.message}`, cause);
  }
}

async function listen(options: ListenOptions): Promise<TcpListener> {
  const { address, port, keys = [], options: tcpOptions = {} } = options;
  const hasOptions = mayHaveOptions({ ...tcpOptions, password: keys[0]?.password });
  const server = createServer({ allowHalfOpen, highWaterMark: sendBufferOctets }, (socket) => {
    options.accepted(new NodeTcpConnection(socket, hasOptions, {}));
  });
  const ring = new ListenerKeys(versionOf(address));
  const fd = hasOptions ? listenSocket(options, ring) : undefined;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(listenError(error, formatEndpoint(address, port)));
    });
    const listening = (): void => {
      // A connection that cannot be accepted, for want of a file descriptor say, is the peer's to dial again.
      server.removeAllListeners("error").on("error", () => {});
      resolve();
    };
    if (fd !== undefined) server.listen({ fd }, listenBacklog, listening);
    else server.listen({ host: address, port, backlog: listenBacklog, ipv6Only: true }, listening);
  });
  return {
    port: boundPort(server),
    setKeys(wanted) {
      if (!mayHaveOptions({ password: wanted[0]?.password })) return;
      const descriptor = descriptorOf(server);
      if (descriptor >= 0) ring.set(descriptor, wanted);
    },
    close: () => closeServer(server),
  };
}

/** A bound socket with its keys in place before anybody can connect. @throws TcpListenError @throws TcpOptionError */
function listenSocket(listening: ListenOptions, ring: ListenerKeys): number {
  const { address, port, keys = [], options = {} } = listening;
  const version = versionOf(address);
  const fd = openSocket(version);
  try {
    setSocketOptions(fd, version, options);
    ring.set(fd, keys);
    bindListener(fd, address, port);
    return fd;
  } catch (error) {
    closeSocket(fd);
    if (error instanceof TcpOptionError) throw error;
    throw listenError(error as NodeJS.ErrnoException, formatEndpoint(address, port));
  }
}

function boundPort(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : 0;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** TCP by `node:net`, on sockets with Linux's options where there are any. */
export const nodeTcp: Tcp = { dial, listen, badSignatures };
