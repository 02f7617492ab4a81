/** `margay decode` as a process. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { message, toHex } from "../../vectors/hex.ts";
import { entry, type Run } from "./run-margay.ts";

const keepalive = toHex(message(4, ""));
const pcapPath = `${import.meta.dirname}/../../vectors/capture/bird-frr.pcap`;

function decode(args: readonly string[], input: string | Uint8Array = ""): Run {
  const { status, stderr, stdout } = spawnSync(process.execPath, [entry, "decode", ...args], {
    input,
    maxBuffer: 1 << 26,
  });
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString() };
}

suite("margay decode", { timeout: 240_000 }, () => {
  test("reads stdin when there is no file or -, and prints a line of JSON a message", () => {
    const expected = { code: 0, stdout: '{"type":"keepalive"}\n', stderr: "" };
    assert.deepEqual(decode([], keepalive), expected);
    assert.deepEqual(decode(["-"], `${keepalive}\n`), expected);
    assert.deepEqual(decode([], ""), { code: 0, stdout: "", stderr: "" });
  });

  test("ends with 1 where a message is malformed, and says on both streams where and why", () => {
    const { code, stderr, stdout } = decode([], `${keepalive}\n${keepalive}00\nzz\n`);
    assert.equal(code, 1);
    assert.deepEqual(stdout.split("\n"), [
      '{"type":"keepalive"}',
      '{"type":"keepalive","errors":[{"code":1,"subcode":2,"outcome":"session-reset","message":"length 19, but 20 octets","place":"line 2"}]}',
      '{"type":"unknown","errors":[{"code":1,"subcode":1,"outcome":"session-reset","message":"column 1 is no hexadecimal digit","place":"line 3"}]}',
      "",
    ]);
    assert.deepEqual(stderr.split("\n"), [
      "margay: stdin, line 2: keepalive: length 19, but 20 octets (1/2, session-reset)",
      "margay: stdin, line 3: column 1 is no hexadecimal digit",
      "",
    ]);
  });

  test("says of what is no message what a session would (RFC 4271 §6.1)", () => {
    const { code, stdout } = decode([], `${keepalive}0\n${"ff".repeat(65_536)}\n`);
    assert.equal(code, 1);
    const found = stdout
      .split("\n")
      .slice(0, 2)
      .map((line) => {
        const { errors, type } = JSON.parse(line) as {
          readonly type: string;
          readonly errors: readonly { code: number; subcode: number; outcome: string }[];
        };
        return [type, ...errors.map((error) => `${error.code}/${error.subcode} ${error.outcome}`)];
      });
    assert.deepEqual(found, [
      ["unknown", "1/1 session-reset"],
      ["unknown", "1/2 session-reset"],
    ]);
  });

  test("reads files, compressed ones too, and adds when and between whom", () => {
    const plain = decode([pcapPath]);
    assert.equal(plain.code, 0);
    const [first] = plain.stdout.split("\n");
    const { from, time, to, type } = JSON.parse(first as string) as Record<string, string>;
    assert.equal(type, "open");
    assert.match(`${time} ${from} ${to}`, /^2026-11-21T\S+Z 192\.0\.2\.1:\d+ 192\.0\.2\.2:179$/);
    assert.deepEqual(decode([], gzipSync(readFileSync(pcapPath))), plain);
  });

  test("follows its options", () => {
    // AS_PATH 65001 in two octets.
    const update = toHex(message(2, "0000 0012 40010100 400204 0201fde9 400304c0000201 18 0ae902"));
    const asPathOf = (...args: string[]): unknown => {
      return (JSON.parse(decode(args, update).stdout) as { asPath?: string }).asPath;
    };
    assert.equal(asPathOf("--no-as4"), "65001");
    assert.equal(asPathOf(), undefined);
    assert.equal(asPathOf("--as4"), undefined);
    const { code, stderr } = decode(["--as4", "--no-as4"]);
    assert.deepEqual([code, stderr], [2, "margay: --as4 and --no-as4 exclude each other.\n"]);
    const withId = toHex(message(2, "0000 0000 00000007 180ae902"));
    assert.match(decode(["--addpath"], withId).stdout, /"announced":\["10\.233\.2\.0\/24#7"\]/);
  });

  test("says what it cannot read", () => {
    const missing = decode(["/nonexistent/file"]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /^margay: \/nonexistent\/file cannot be read: ENOENT/);
    const garbage = decode([], Uint8Array.of(0, 1, 2, 3, 200, 0, 0, 0, 0, 0, 0, 0, 0));
    assert.equal(garbage.code, 1);
    assert.match(garbage.stderr, /^margay: stdin is none of: hex/);
    const cut = decode([], gzipSync(`${keepalive}\n`.repeat(1000)).subarray(0, 60));
    assert.equal(cut.code, 1);
    assert.match(cut.stderr, /stdin cannot be read: unexpected end of file/);
  });

  test("prints what came while more may come", async () => {
    const child = spawn(process.execPath, [entry, "decode"]);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stdin.write(`${keepalive}\n`);
    assert.equal((await lines.next()).value, '{"type":"keepalive"}');
    child.stdin.end(keepalive);
    assert.equal((await lines.next()).value, '{"type":"keepalive"}');
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 0);
  });
});
