import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createClient, type ServiceClient } from "../../src/api/client.ts";
import { connect } from "../../src/api/connect.ts";
import { memoryTransports } from "../../src/api/memory-transport.ts";
import { createRouter } from "../../src/api/router.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../src/api/server.ts";
import { ServerConnection } from "../../src/api/server-connection.ts";
import { managementHandlers } from "../../src/api/service.ts";
import type { Views } from "../../src/api/views.ts";
import { ManagementService } from "../../src/gen/margay/v1/management_pb.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";

export type Client = ServiceClient<typeof ManagementService>;

/** A directory of this test's own, gone when it ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "margay-api-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that ends with the test. */
export async function serve(
  t: TestContext,
  options: Pick<ApiServerOptions, "views" | "socketPath" | "tcp">,
): Promise<ApiServer> {
  const server = await startApiServer({ ...options, clock: nodeClock, logger: silentLogger });
  t.after(() => server.close());
  return server;
}

async function connected(t: TestContext, server: ApiServer): Promise<Client> {
  const connection = await connect(server.addresses[0] as string, { clock: nodeClock });
  t.after(() => connection.close());
  return connection.client;
}

/** Every way to have a client of some views. */
export const waysToConnect: Readonly<
  Record<string, (t: TestContext, views: Views) => Promise<Client>>
> = {
  memory: async (t, views) => {
    const [near, far] = memoryTransports();
    const router = createRouter(ManagementService, managementHandlers(views, true));
    const options = { transport: far, router, clock: nodeClock, logger: silentLogger };
    new ServerConnection(options).start();
    t.after(() => near.close(1000, "done"));
    return createClient(ManagementService, near, nodeClock);
  },
  "unix socket": async (t, views) => {
    const socketPath = join(temporaryDirectory(t), "deep", "margay.sock");
    return connected(t, await serve(t, { views, socketPath }));
  },
  "loopback TCP": async (t, views) =>
    connected(t, await serve(t, { views, tcp: { host: "127.0.0.1", port: 0 } })),
};
