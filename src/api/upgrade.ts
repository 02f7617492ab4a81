import type { IncomingMessage } from "node:http";
import { type FrameCodec, frameCodecs } from "./frame-codec.ts";

/** Where the WebSocket lives on the HTTP server. */
export const API_PATH = "/v1";

/** What is to become of a request to upgrade. */
export type UpgradeVerdict =
  | { readonly codec: FrameCodec }
  /** An HTTP status and a sentence for its body. */
  | { readonly status: 400 | 403 | 404; readonly reason: string };

/**
 * Checks path, origin and subprotocol. `ws` itself would accept an unknown subprotocol and any origin, and a page of a
 * stranger's site must not talk to the daemon through the browser of an operator.
 */
export function judgeUpgrade(request: IncomingMessage): UpgradeVerdict {
  const path = (request.url ?? "").split("?")[0];
  if (path !== API_PATH) return { status: 404, reason: `the API is at ${API_PATH}` };
  const { origin, host } = request.headers;
  if (origin !== undefined && !isOwnOrigin(origin, host)) {
    return { status: 403, reason: `pages of ${origin} may not talk to this daemon` };
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((name) => name.trim());
  for (const name of offered) {
    const codec = frameCodecs.find((candidate) => candidate.subprotocol === name);
    if (codec !== undefined) return { codec };
  }
  const known = frameCodecs.map((codec) => codec.subprotocol).join(" or ");
  return { status: 400, reason: `ask for the WebSocket subprotocol ${known}` };
}

/** Same host and port, and a loopback name: a name that a stranger's DNS points at us is not ours. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.host === host && isLoopbackHost(url.hostname);
}

/** @param hostname as in a URL: an IPv6 address in brackets */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
