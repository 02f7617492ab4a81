import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type FeedPage, FeedQueue } from "../../../src/agent/feed/feed-queue.ts";
import type { RouteIntent } from "../../../src/felix/intent.ts";
import { prefix } from "../../support/felix-harness.ts";

function route(text: string, ...nextHops: string[]): RouteIntent {
  return { prefix: prefix(text), nextHops };
}

/** A page in words: `begins`, `10.0.0.0/24 via 192.0.2.1`, `10.0.0.0/24 gone`, `ends`, `whole`, `complete`. */
function words(page: FeedPage): string[] {
  const { begins = false, routes = [], ends = false, picture } = page;
  return [
    ...(begins ? ["begins"] : []),
    ...routes.map(({ prefix: text, nextHops = [] }) =>
      nextHops.length === 0 ? `${text} gone` : `${text} via ${nextHops.join(" ")}`,
    ),
    ...(ends ? ["ends"] : []),
    ...(picture === undefined
      ? []
      : [picture.whole ? "whole" : "not whole", picture.complete ? "complete" : "not complete"]),
  ];
}

class Scene {
  readonly table: RouteIntent[];
  readonly picture = { isWhole: true, isComplete: true };
  readonly queue: FeedQueue;
  readonly pages: AsyncGenerator<FeedPage, void>;

  constructor(t: TestContext, table: RouteIntent[], capacity = 1000) {
    this.table = table;
    this.queue = new FeedQueue({ table: () => this.table, picture: this.picture, capacity });
    const abort = new AbortController();
    this.pages = this.queue.pages(abort.signal);
    t.after(() => abort.abort());
  }

  async next(): Promise<string[]> {
    const { value } = await this.pages.next();
    assert.ok(value);
    return words(value);
  }
}

test("a follower is told the table, then how it changes, each prefix as it is last", async (t) => {
  const scene = new Scene(t, [
    route("10.0.0.0/24", "192.0.2.1"),
    route("10.0.1.0/24", "192.0.2.2"),
  ]);
  const { queue } = scene;
  assert.deepEqual(await scene.next(), ["begins"]);
  assert.deepEqual(await scene.next(), [
    "10.0.0.0/24 via 192.0.2.1",
    "10.0.1.0/24 via 192.0.2.2",
    ...["ends", "whole", "complete"],
  ]);
  queue.setRoute(route("10.0.2.0/24", "192.0.2.3"));
  queue.setRoute(route("10.0.2.0/24", "192.0.2.3", "192.0.2.4"));
  queue.setRoute(route("10.0.3.0/24", "192.0.2.3"));
  queue.removeRoute(prefix("10.0.3.0/24"));
  queue.removeRoute(prefix("10.0.0.0/24"));
  assert.deepEqual(await scene.next(), [
    "10.0.2.0/24 via 192.0.2.3 192.0.2.4",
    ...["10.0.3.0/24 gone", "10.0.0.0/24 gone"],
  ]);
  scene.picture.isWhole = false;
  queue.pictureChanged();
  assert.deepEqual(await scene.next(), ["not whole", "complete"]);
});

test("a picture is complete only when all that it is of has been told", async (t) => {
  const scene = new Scene(t, []);
  scene.picture.isComplete = false;
  await scene.next();
  assert.deepEqual(await scene.next(), ["ends", "whole", "not complete"]);
  // More than one page, so that the first leaves some.
  const many = Array.from({ length: 600 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`);
  for (const text of many) scene.queue.setRoute(route(text, "192.0.2.1"));
  scene.picture.isComplete = true;
  scene.queue.pictureChanged();
  const first = await scene.next();
  assert.equal(first.length, 500);
  assert.ok(!first.includes("complete"));
  const second = await scene.next();
  assert.deepEqual(second.slice(-2), ["whole", "complete"]);
  assert.equal(second.length, 102);
});

test("what changes while the table is told comes after it", async (t) => {
  const table = Array.from({ length: 700 }, (_, at) =>
    route(`10.${at >> 8}.${at & 255}.0/24`, "192.0.2.1"),
  );
  const scene = new Scene(t, table);
  await scene.next();
  assert.equal((await scene.next()).length, 500);
  scene.queue.removeRoute(prefix("10.0.0.0/24"));
  const rest = await scene.next();
  assert.deepEqual(rest.slice(-3), ["ends", "whole", "not complete"]);
  assert.deepEqual(await scene.next(), ["10.0.0.0/24 gone", "whole", "complete"]);
});

test("who falls too far behind costs no more memory, and is told the table again", async (t) => {
  const scene = new Scene(t, [], 100);
  await scene.next();
  await scene.next();
  for (let at = 0; at < 1000; at++) {
    scene.queue.setRoute(route(`10.${at >> 8}.${at & 255}.0/24`, "192.0.2.1"));
    assert.ok(scene.queue.size <= 100);
  }
  scene.table.push(route("10.9.0.0/24", "192.0.2.9"));
  assert.deepEqual(await scene.next(), ["begins"]);
  assert.deepEqual(await scene.next(), [
    "10.9.0.0/24 via 192.0.2.9",
    ...["ends", "whole", "complete"],
  ]);
  scene.queue.removeRoute(prefix("10.9.0.0/24"));
  assert.deepEqual(await scene.next(), ["10.9.0.0/24 gone"]);
});
