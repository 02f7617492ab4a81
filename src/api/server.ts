import { create } from "@bufbuild/protobuf";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { ManagementService } from "../gen/margay/v1/management_pb.ts";
import { StatusSchema } from "../gen/margay/v1/status_pb.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { healthProblems } from "./health.ts";
import { createRouter, type Router } from "./router.ts";
import { ServerConnection } from "./server-connection.ts";
import { managementHandlers } from "./service.ts";
import { listenOnTcp } from "./tcp-listener.ts";
import { CloseCode } from "./transport.ts";
import { ListenError, listenOnUnixSocket } from "./unix-socket.ts";
import { API_PATH, isLoopbackHost, judgeUpgrade, type UpgradeVerdict } from "./upgrade.ts";
import type { Views } from "./views.ts";
import { commonSocketOptions, WebSocketTransport } from "./web-socket-transport.ts";

/** Requests are small. */
const MAXIMUM_REQUEST_OCTETS = 1 << 20;
const MAXIMUM_CONNECTIONS = 256;
/** For the close handshake when the server stops. */
const CLOSE_GRACE_MS = 500;

export interface ApiServerOptions {
  readonly views: Views;
  /** Adds further services. @param mayControl as of `managementHandlers` */
  readonly extend?: ((router: Router, mayControl: boolean) => Router) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Path of a unix socket; its directory is made where missing. */
  readonly socketPath?: string | undefined;
  /** Additionally or instead. There is no authentication, so the host must be a loopback address; port 0 takes a free one. */
  readonly tcp?: { readonly host: string; readonly port: number } | undefined;
}

/** A running API. */
export interface ApiServer {
  /** As `--host` of the CLI takes them: `unix:/run/margay/margay.sock`, `ws://127.0.0.1:9179`. */
  readonly addresses: readonly string[];
  /** Clients connected now. */
  readonly connections: number;
  /** Says goodbye to the clients and stops listening; the unix socket is removed. */
  close(): Promise<void>;
}

/** Opens the API on a unix socket, loopback TCP or both. Throws ListenError, which says what to do, and then nothing listens. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const server = new Endpoint(options);
  try {
    if (options.socketPath !== undefined) await server.listenUnix(options.socketPath);
    if (options.tcp !== undefined) await server.listenTcp(options.tcp.host, options.tcp.port);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class Endpoint implements ApiServer {
  readonly addresses: string[] = [];
  readonly #options: ApiServerOptions;
  /** Of clients on TCP, who may be anybody on this machine: they look, and change nothing. */
  readonly #readingRouter: Router;
  readonly #controllingRouter: Router;
  /** Each with the promise that it is closed. */
  readonly #transports = new Map<WebSocketTransport, Promise<void>>();
  readonly #listeners: Server[] = [];
  readonly #webSockets = new WebSocketServer({
    ...commonSocketOptions,
    noServer: true,
    clientTracking: false,
    maxPayload: MAXIMUM_REQUEST_OCTETS,
  });

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const router = (mayControl: boolean): Router => {
      const own = createRouter(ManagementService, managementHandlers(options.views, mayControl));
      return options.extend?.(own, mayControl) ?? own;
    };
    this.#readingRouter = router(false);
    this.#controllingRouter = router(true);
  }

  get connections(): number {
    return this.#transports.size;
  }

  async listenUnix(path: string): Promise<void> {
    const server = this.#httpServer(this.#controllingRouter);
    await listenOnUnixSocket(server, path);
    this.#listening(server, `unix:${path}`);
  }

  async listenTcp(host: string, port: number): Promise<void> {
    const urlHost = host.includes(":") ? `[${host}]` : host;
    if (!isLoopbackHost(urlHost)) {
      throw new ListenError(
        `The API has no authentication and listens on loopback only: give 127.0.0.1 or ::1, not ${host}.`,
      );
    }
    const server = this.#httpServer(this.#readingRouter);
    await listenOnTcp(server, host, port, "API");
    // A TCP listener's address is an AddressInfo.
    this.#listening(server, `ws://${urlHost}:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    const closed = this.#listeners.map(async (server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeIdleConnections();
      await promise;
    });
    const gone = [...this.#transports.values()];
    for (const transport of this.#transports.keys()) {
      transport.close(CloseCode.goingAway, "the daemon stops");
    }
    const grace = this.#options.clock.after(CLOSE_GRACE_MS, () => {
      for (const transport of this.#transports.keys()) transport.terminate();
      for (const server of this.#listeners) server.closeAllConnections();
    });
    await Promise.all([...closed, ...gone]);
    grace.cancel();
  }

  #listening(server: Server, address: string): void {
    this.#listeners.push(server);
    this.addresses.push(address);
    server.on("error", (error) => {
      this.#options.logger.error({ err: error, address }, "the API listener failed");
    });
    this.#options.logger.info({ address }, "the API listens");
  }

  #httpServer(router: Router): Server {
    const server = createServer((request, response) => this.#respond(request, response));
    server.on("upgrade", (request, socket, head) => this.#upgrade(router, request, socket, head));
    return server;
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").split("?")[0];
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      response.end(`${text}\n`);
    };
    if (path === "/healthz") {
      const problems = healthProblems(create(StatusSchema, this.#options.views.status()));
      answer(problems.length === 0 ? 200 : 503, problems.length === 0 ? "ok" : problems.join("\n"));
    } else if (path === API_PATH) {
      answer(426, `${API_PATH} speaks WebSocket.`);
    } else {
      answer(404, `Nothing here; there are ${API_PATH} and /healthz.`);
    }
  }

  #upgrade(router: Router, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", (error) => {
      this.#options.logger.debug({ err: error }, "an API client's connection failed");
    });
    const verdict = judgeUpgrade(request);
    if (!("codec" in verdict)) {
      this.#options.logger.warn(verdict, "an API client was refused");
      refuse(socket, verdict.status, verdict.reason);
      return;
    }
    if (this.#transports.size >= MAXIMUM_CONNECTIONS) {
      refuse(socket, 503, `more than ${MAXIMUM_CONNECTIONS} clients`);
      return;
    }
    this.#accept(request, socket, head, { ...verdict, router });
  }

  #accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { codec, router }: Extract<UpgradeVerdict, { codec: unknown }> & { readonly router: Router },
  ): void {
    // `ws` answers with the first protocol of the request unless told otherwise; let it see only the chosen one.
    request.headers["sec-websocket-protocol"] = codec.subprotocol;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const { clock, logger } = this.#options;
      const transport = new WebSocketTransport(webSocket, codec, clock);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#transports.set(transport, promise);
      webSocket.once("close", () => {
        this.#transports.delete(transport);
        resolve();
      });
      new ServerConnection({ transport, router, clock, logger }).start();
    });
  }
}

const statusTexts = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
} as const;

function refuse(socket: Duplex, status: keyof typeof statusTexts, reason: string): void {
  const body = `${reason}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${statusTexts[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
