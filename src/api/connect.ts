import { connect as connectSocket } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { type ClientOptions, WebSocket } from "ws";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import { ManagementService } from "../gen/margay/v1/management_pb.ts";
import type { Clock } from "../platform/clock.ts";
import { ApiError, invalidArgument } from "./api-error.ts";
import { createClient, type ServiceClient } from "./client.ts";
import { type FrameCodec, frameCodecs } from "./frame-codec.ts";
import { CloseCode } from "./transport.ts";
import { API_PATH } from "./upgrade.ts";
import { commonSocketOptions, WebSocketTransport } from "./web-socket-transport.ts";

/** A batch of routes with many candidates each, or all peers of a large reflector. */
const MAXIMUM_RESPONSE_OCTETS = 64 << 20;

const CLOSE_GRACE_MS = 300;

export interface ConnectOptions {
  readonly clock: Clock;
  /** For the connection and the handshake, in milliseconds; default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** A client with a connection of its own. */
export interface Connection<S extends DescService> extends AsyncDisposable {
  readonly client: ServiceClient<S>;
  close(): void;
}

export type ManagementConnection = Connection<typeof ManagementService>;

/** Connects to a daemon to look into it, or to control it; see `connectTo`. */
export function connect(host: string, options: ConnectOptions): Promise<ManagementConnection> {
  return connectTo(ManagementService, host, options);
}

/**
 * Connects to a service of a daemon.
 * @param host `unix:/run/margay/margay.sock` (or just the absolute path), or `ws://127.0.0.1:9179`
 * @throws ApiError UNAVAILABLE (nobody there), PERMISSION_DENIED, DEADLINE_EXCEEDED or INVALID_ARGUMENT (the host's text)
 */
export async function connectTo<S extends DescService>(
  service: S,
  host: string,
  { clock, timeoutMs = 5000 }: ConnectOptions,
): Promise<Connection<S>> {
  // The first codec is the one to prefer, and the table is never empty.
  const codec = frameCodecs[0] as FrameCodec;
  const { url, options } = destination(host);
  const webSocket = new WebSocket(url, codec.subprotocol, {
    ...commonSocketOptions,
    ...options,
    maxPayload: MAXIMUM_RESPONSE_OCTETS,
    handshakeTimeout: timeoutMs,
  });
  await opened(webSocket, host, timeoutMs);
  const transport = new WebSocketTransport(webSocket, codec, clock);
  const client = createClient(service, transport, clock);
  const close = (): void => {
    transport.close(CloseCode.normal, "done");
    // A daemon that hangs must not make its clients hang.
    const grace = clock.after(CLOSE_GRACE_MS, () => transport.terminate());
    webSocket.once("close", () => grace.cancel());
  };
  return { client, close, [Symbol.asyncDispose]: async () => close() };
}

function destination(host: string): { url: string; options: ClientOptions } {
  const path = host.startsWith("unix:") ? host.slice("unix:".length) : host;
  if (path.startsWith("/")) {
    // Not ws+unix:, which cannot carry every path.
    const createConnection = (() => connectSocket(path)) as NonNullable<
      ClientOptions["createConnection"]
    >;
    return { url: `ws://localhost${API_PATH}`, options: { createConnection } };
  }
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url === undefined || !["ws:", "wss:"].includes(url.protocol)) {
    throw invalidArgument(
      `"${host}" is no place of a daemon; give unix:/path/of/socket or ws://127.0.0.1:PORT`,
    );
  }
  return { url: new URL(API_PATH, url).href, options: {} };
}

async function opened(webSocket: WebSocket, host: string, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  webSocket.once("open", resolve);
  webSocket.once("error", (error) => reject(connectError(host, error, timeoutMs)));
  webSocket.once("unexpected-response", (_request, response) => {
    const text = `${host} refused the connection: HTTP ${response.statusCode} ${response.statusMessage}`;
    webSocket.terminate();
    reject(new ApiError(StatusCode.PERMISSION_DENIED, text));
  });
  await promise;
}

function connectError(host: string, error: NodeJS.ErrnoException, timeoutMs: number): ApiError {
  const fail = (code: StatusCode, message: string): ApiError =>
    new ApiError(code, message, { cause: error });
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") {
    return fail(StatusCode.UNAVAILABLE, `no daemon answers at ${host}`);
  }
  if (error.code === "EACCES" || error.code === "EPERM") {
    return fail(StatusCode.PERMISSION_DENIED, `no permission to use ${host}`);
  }
  if (/handshake has timed out/.test(error.message)) {
    return fail(StatusCode.DEADLINE_EXCEEDED, `${host} did not answer within ${timeoutMs} ms`);
  }
  return fail(StatusCode.UNAVAILABLE, `cannot reach ${host}: ${error.message}`);
}
