import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { PeerMemory } from "../../../src/agent/peer-memory.ts";
import { type Logger, silentLogger } from "../../../src/platform/logger.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const directory = mkdtempSync(join(tmpdir(), "mgm-"));
after(() => rmSync(directory, { recursive: true }));

function logger(warnings: string[]): Logger {
  return { ...silentLogger, warn: (_fields, message) => warnings.push(message) };
}

describe("the memory of peers", () => {
  test("is there in the next life, less those that were forgotten", () => {
    const file = join(directory, "clients");
    const clock = new FakeClock();
    const warnings: string[] = [];
    const memory = new PeerMemory(file, clock, logger(warnings));
    assert.deepEqual(memory.addresses, []);
    for (const address of ["192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.2"]) {
      memory.remember(address);
    }
    memory.forget("192.0.2.2");
    assert.equal(clock.pending, 1, "written once for all");
    clock.advance(1000);
    assert.equal(readFileSync(file, "utf8"), "192.0.2.1\n2001:db8::1\n");
    const next = new PeerMemory(file, clock, logger(warnings));
    assert.deepEqual(next.addresses, ["192.0.2.1", "2001:db8::1"]);
    next.remember("192.0.2.1");
    next.forget("192.0.2.9");
    assert.equal(clock.pending, 0, "nothing new to write");
    next.remember("192.0.2.3");
    next.flush();
    assert.match(readFileSync(file, "utf8"), /192\.0\.2\.3\n$/);
    assert.equal(clock.pending, 0);
    assert.deepEqual(warnings, []);
  });

  test("passes over what is no address, and says when there is no file to be had", () => {
    const file = join(directory, "damaged");
    writeFileSync(file, "192.0.2.1\n\nhallo\n192.0.2\n");
    const clock = new FakeClock();
    const warnings: string[] = [];
    assert.deepEqual(new PeerMemory(file, clock, logger(warnings)).addresses, ["192.0.2.1"]);
    const nowhere = new PeerMemory(directory, clock, logger(warnings));
    nowhere.remember("192.0.2.1");
    nowhere.flush();
    assert.match(warnings[0] ?? "", /cannot read the file of clients: EISDIR/);
    assert.match(warnings[1] ?? "", /cannot write the file of clients/);
    assert.deepEqual(nowhere.addresses, ["192.0.2.1"]);
  });
});
