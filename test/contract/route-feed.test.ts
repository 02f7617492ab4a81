import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FeedClient } from "../../src/agent/feed/feed-client.ts";
import { FeedServer } from "../../src/agent/feed/feed-server.ts";
import { Resync } from "../../src/agent/feed/resync.ts";
import type { Picture, RouteFeed } from "../../src/agent/feed/route-feed.ts";
import { ApiError } from "../../src/api/api-error.ts";
import { connectTo } from "../../src/api/connect.ts";
import { withService } from "../../src/api/router.ts";
import { type ApiServer, startApiServer } from "../../src/api/server.ts";
import type { RouteIntent } from "../../src/felix/intent.ts";
import { StatusCode } from "../../src/gen/margay/v1/frame_pb.ts";
import { RouteFeedService } from "../../src/gen/margay/v1/route_feed_pb.ts";
import type { Prefix } from "../../src/net/prefix.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { prefix } from "../support/felix-harness.ts";
import { until } from "../support/until.ts";
import { FakeViews } from "../unit/api/fake-views.ts";
import { temporaryDirectory } from "./api-transports.ts";

/** The BGP side: a table, and those who follow it over a socket. Each life of it starts with an empty table. */
class Speaker {
  readonly socketPath: string;
  readonly table = new Map<string, RouteIntent>();
  picture: { isWhole: boolean; isComplete: boolean } = { isWhole: true, isComplete: true };
  feed: FeedServer;
  silent: readonly string[] = [];
  #api: ApiServer | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.feed = this.#createFeed();
  }

  #createFeed(): FeedServer {
    return new FeedServer({
      table: () => this.table.values(),
      picture: () => this.picture,
      logger: silentLogger,
      onSilence: (silent) => {
        this.silent = silent;
      },
    });
  }

  async start(): Promise<void> {
    this.feed = this.#createFeed();
    this.#api = await startApiServer({
      views: new FakeViews(),
      extend: (router, mayControl) =>
        withService(router, RouteFeedService, this.feed.handlers(mayControl)),
      clock: nodeClock,
      logger: silentLogger,
      socketPath: this.socketPath,
      tcp: { host: "127.0.0.1", port: 0 },
    });
  }

  get addresses(): readonly string[] {
    return this.#api?.addresses ?? [];
  }

  async stop(): Promise<void> {
    await this.#api?.close();
    this.table.clear();
  }

  set(text: string, ...nextHops: string[]): void {
    const intent = { prefix: prefix(text), nextHops };
    this.table.set(text, intent);
    this.feed.setRoute(intent);
  }

  remove(text: string): void {
    this.table.delete(text);
    this.feed.removeRoute(prefix(text));
  }

  see(picture: Partial<Picture>): void {
    Object.assign(this.picture, picture);
    this.feed.pictureChanged();
  }
}

/** What a programmer has been told. */
class Programmer implements RouteFeed {
  readonly routes = new Map<string, string>();
  readonly claims = new Map<string, RouteIntent["claims"]>();
  picture: Picture | undefined;
  changes = 0;

  setRoute({ prefix: { text }, nextHops, claims = [] }: RouteIntent): void {
    this.routes.set(text, nextHops.join(" "));
    this.claims.set(text, claims);
    this.changes++;
  }

  removeRoute({ text }: Prefix): void {
    this.routes.delete(text);
    this.changes++;
  }

  pictureChanged(picture: Picture): void {
    this.picture = picture;
  }

  has(table: ReadonlyMap<string, RouteIntent>): boolean {
    if (this.routes.size !== table.size) return false;
    return [...table].every(([text, { nextHops }]) => this.routes.get(text) === nextHops.join(" "));
  }
}

interface Pair {
  readonly speaker: Speaker;
  readonly programmer: Programmer;
  readonly resync: Resync;
  readonly client: FeedClient;
}

function pair(t: TestContext): Pair {
  const socketPath = join(temporaryDirectory(t), "margay.sock");
  const speaker = new Speaker(socketPath);
  const programmer = new Programmer();
  const parts = { clock: nodeClock, logger: silentLogger };
  const resync = new Resync({ feed: programmer, staleMs: 600_000, ...parts });
  const report = () => ({
    fib: { installed: programmer.routes.size },
    firewall: { table: "in place", repairs: 3n },
    warnings: [],
    silent: ["192.168.1.3"],
  });
  const client = new FeedClient({ socketPath, resync, report, ...parts });
  t.after(async () => {
    client.stop();
    await speaker.stop();
  });
  return { speaker, programmer, resync, client };
}

const address = (at: number): string => `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}/32`;

suite("the feed of routes over a unix socket", { timeout: 120_000 }, () => {
  test("either side may come first, go and come back: the programmer ends with the table, and loses nothing between", async (t) => {
    const { speaker, programmer, resync, client } = pair(t);
    client.start();
    await speaker.start();
    speaker.set("10.1.0.0/24", "192.0.2.1");
    speaker.set("10.2.0.0/24", "192.0.2.1", "192.0.2.2");
    await until("the routes to arrive", () => programmer.has(speaker.table));
    await until("the report to arrive", () => speaker.feed.report?.fib?.installed === 2);
    assert.equal(speaker.feed.report?.firewall?.repairs, 3n);
    await speaker.stop();
    await until("the loss to be noticed", () => resync.staleSize === 2);
    assert.equal(programmer.routes.size, 2);
    assert.equal(programmer.picture?.isWhole, false);
    // The next life has nobody's routes yet.
    speaker.picture = { isWhole: false, isComplete: false };
    await speaker.start();
    await until("the programmer to be back", () => client.isConnected);
    speaker.set("10.2.0.0/24", "192.0.2.1", "192.0.2.2");
    await until("a route to be confirmed", () => resync.staleSize === 1);
    assert.equal(programmer.routes.size, 2);
    speaker.see({ isWhole: true, isComplete: true });
    await until("the rest to go", () => programmer.has(speaker.table));
    client.stop();
    await until("the speaker to notice", () => speaker.feed.followers === 0);
    assert.equal(speaker.feed.report, undefined);
  });

  test("what nodes announce of their segments goes with the routes, and back comes who is silent", async (t) => {
    const { speaker, programmer, client } = pair(t);
    await speaker.start();
    client.start();
    speaker.set("10.1.0.0/24", "192.0.2.1");
    await until("the route to arrive", () => programmer.has(speaker.table));
    const claim = { address: "192.0.2.1", subnet: prefix("192.0.2.0/25"), unheard: ["192.0.2.7"] };
    const intent = { prefix: prefix("10.1.0.0/24"), nextHops: ["192.0.2.1"], claims: [claim] };
    speaker.table.set(intent.prefix.text, intent);
    speaker.feed.setRoute(intent);
    await until("the claim", () => programmer.claims.get("10.1.0.0/24")?.length === 1);
    assert.deepEqual(programmer.claims.get("10.1.0.0/24"), [claim]);
    speaker.set("10.1.0.0/24", "192.0.2.1");
    await until("its end", () => programmer.claims.get("10.1.0.0/24")?.length === 0);
    await until("the report", () => speaker.silent.length > 0);
    assert.deepEqual(speaker.silent, ["192.168.1.3"]);
  });

  test("whatever happens, the programmer ends with what is selected", async (t) => {
    const { speaker, programmer, client } = pair(t);
    client.start();
    await speaker.start();
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (let round = 0; round < 6; round++) {
      for (let step = 0; step < 3000; step++) {
        const text = address(random(2000));
        if (random(3) === 0) speaker.remove(text);
        else speaker.set(text, `192.0.2.${random(5) + 1}`);
        if (step % 100 === 0) await setImmediate();
      }
      if (round % 2 === 1) {
        // It dies in the middle of its work.
        await speaker.stop();
        await speaker.start();
      } else await until("the table to be there", () => programmer.has(speaker.table));
    }
    await until("the table to be there", () => programmer.has(speaker.table));
  });

  test("a hundred thousand routes arrive, and a reader that stops reading costs no more than its changes", async (t) => {
    const { speaker, programmer, resync, client } = pair(t);
    await speaker.start();
    for (let at = 0; at < 100_000; at++) speaker.set(address(at), "192.0.2.1");
    const connection = await connectTo(RouteFeedService, `unix:${speaker.socketPath}`, {
      clock: nodeClock,
    });
    t.after(() => connection.close());
    // Takes one page, and no more.
    const slow = connection.client.follow({})[Symbol.asyncIterator]();
    await slow.next();
    client.start();
    await until("all to arrive", () => programmer.has(speaker.table), { timeoutSeconds: 60 });
    assert.equal(resync.size, 100_000);
    const before = programmer.changes;
    for (let at = 0; at < 100_000; at++) {
      speaker.set(address(at), "192.0.2.2");
      if (at % 5000 === 0) await setImmediate();
    }
    await until("the changes to arrive", () => programmer.has(speaker.table), {
      timeoutSeconds: 60,
    });
    assert.ok(programmer.changes > before);
    assert.equal(speaker.feed.followers, 2);
    assert.ok(speaker.feed.waiting <= 65_536, `${speaker.feed.waiting} changes wait`);
  });

  test("reports are taken on the unix socket only", async (t) => {
    const { speaker } = pair(t);
    await speaker.start();
    const [unix, tcp] = await Promise.all(
      speaker.addresses.map((host) => connectTo(RouteFeedService, host, { clock: nodeClock })),
    );
    assert.ok(unix !== undefined && tcp !== undefined);
    t.after(() => [unix, tcp].forEach((connection) => connection.close()));
    await unix.client.report({ fib: { installed: 3 } });
    assert.equal(speaker.feed.report?.fib?.installed, 3);
    await assert.rejects(tcp.client.report({}), (error) => {
      return error instanceof ApiError && error.code === StatusCode.PERMISSION_DENIED;
    });
  });
});
