import { create } from "@bufbuild/protobuf";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StatusSchema } from "../gen/margay/v1/status_pb.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Logger } from "../platform/logger.ts";
import { healthProblems } from "./health.ts";
import { listenOnTcp } from "./tcp-listener.ts";
import type { Views } from "./views.ts";

export interface ProbeServerOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly address: string; readonly port: number };
  readonly logger: Logger;
  readonly views: Pick<Views, "status">;
  /** The metrics in Prometheus' text format, piece by piece. */
  readonly metrics: () => AsyncIterable<string>;
  readonly metricsContentType: string;
  /** What the daemon still waits for before others may rely on it, one sentence each; none: it is ready. */
  readonly awaited: () => readonly string[];
}

/** Scrapes and probes are few. */
const maximumConnections = 64;

/** `http://ADDRESS:PORT` with /metrics, /livez, /readyz and /healthz: for programs that watch, who are asked nothing. */
export class ProbeServer {
  readonly #options: ProbeServerOptions;
  readonly #server: Server;

  constructor(options: ProbeServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#respond(request, response));
    this.#server.maxConnections = maximumConnections;
  }

  /** @returns the address @throws ListenError */
  async start(): Promise<string> {
    const { listen, logger } = this.#options;
    await listenOnTcp(this.#server, listen.address, listen.port, "metrics");
    this.#server.on("error", (error) =>
      logger.error({ err: error }, "the metrics listener failed"),
    );
    // A TCP listener's address is an AddressInfo.
    const { port } = this.#server.address() as AddressInfo;
    return `http://${formatEndpoint(listen.address, port)}`;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const { views, awaited } = this.#options;
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(response, 405, ["GET and HEAD only"]);
    }
    switch ((request.url ?? "").replace(/\?.*/, "")) {
      case "/metrics":
        return void this.#writeMetrics(request, response);
      case "/livez":
        return answer(response, 200, []);
      case "/readyz":
        return verdict(response, awaited());
      case "/healthz":
        return verdict(response, healthProblems(create(StatusSchema, views.status())));
      default:
        return answer(response, 404, [
          "Nothing here; there are /metrics, /livez, /readyz and /healthz.",
        ]);
    }
  }

  async #writeMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, metricsContentType, logger } = this.#options;
    response.writeHead(200, { "content-type": metricsContentType });
    if (request.method === "HEAD") return void response.end();
    try {
      await pipeline(Readable.from(metrics()), response);
    } catch (error) {
      logger.debug({ err: error }, "a scrape was broken off");
    }
  }
}

function verdict(response: ServerResponse, problems: readonly string[]): void {
  answer(response, problems.length === 0 ? 200 : 503, problems);
}

function answer(response: ServerResponse, status: number, lines: readonly string[]): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${lines.length === 0 ? "ok" : lines.join("\n")}\n`);
}
