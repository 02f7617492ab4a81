import assert from "node:assert/strict";
import { test } from "node:test";
import { ArrivalLog } from "../../../bench/tester/arrival-log.ts";

interface Arrival {
  readonly client: number;
  readonly octets: Uint8Array;
  readonly atMs: number;
}

function takeAll(log: ArrivalLog): Arrival[] {
  const all: Arrival[] = [];
  while (
    log.take((client, octets, start, end, atMs) => {
      all.push({ client, octets: octets.slice(start, end), atMs });
    })
  );
  return all;
}

test("gives back what came, in order, over many slabs, and uses its memory again", () => {
  const log = new ArrivalLog(0);
  for (let round = 0; round < 3; round++) {
    const arrivals = Array.from({ length: 25 }, (_, index) => ({
      client: index,
      octets: new Uint8Array(700_000 + index).fill(index + round),
      atMs: round + index / 100,
    }));
    for (const { atMs, client, octets } of arrivals) log.add(client, octets, atMs);
    assert.equal(
      log.octets,
      arrivals.reduce((sum, { octets }) => sum + octets.length, 0),
    );
    assert.deepEqual(takeAll(log), arrivals);
    assert.equal(log.octets, 0);
  }
});

test("takes in while it is being emptied", () => {
  const log = new ArrivalLog(8 << 20);
  const octets = new Uint8Array(3);
  for (const client of [1, 2]) log.add(client, octets, 0);
  const seen: number[] = [];
  const visit = (client: number): void => void seen.push(client);
  log.take(visit);
  log.add(3, octets, 0);
  while (log.take(visit));
  log.add(4, octets, 0);
  while (log.take(visit));
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test("keeps a copy: the reader may reuse its buffer", () => {
  const log = new ArrivalLog(0);
  const octets = Uint8Array.of(1, 2, 3);
  log.add(0, octets, 0);
  octets.fill(9);
  assert.deepEqual(takeAll(log)[0]?.octets, Uint8Array.of(1, 2, 3));
});
