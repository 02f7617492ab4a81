/**
 * Runs every vector: `<kind>/<name>.hex` is a whole message, `<name>.json` what it means.
 *   context   what differs from an iBGP session of two 4-octet AS speakers
 *   message   the decoded message, octets as hex; or
 *   error     the NOTIFICATION that it deserves
 *   described what `margay decode` prints of it
 *   encoded   what our encoder makes of `message`; left out where that is the vector itself
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { describeMessage } from "../../src/bgp/describe/describe-message.ts";
import { BgpError } from "../../src/bgp/errors.ts";
import type { CodecContext } from "../../src/bgp/message/codec-context.ts";
import { type BgpMessage, decodeMessage } from "../../src/bgp/message/decode-message.ts";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import { encodeNotification } from "../../src/bgp/message/notification.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { encodeUpdate } from "../../src/bgp/message/update.ts";
import { codecContext } from "./context.ts";
import { hex, toHex } from "./hex.ts";

interface Vector {
  readonly context?: {
    readonly fourOctetAs?: boolean;
    readonly external?: boolean;
    readonly maximumMessageOctets?: number;
    readonly addPath?: readonly number[];
  };
  readonly message?: unknown;
  readonly error?: { name: string; code: number; subcode: number; data: string };
  readonly described: unknown;
  readonly encoded?: readonly string[];
}

const root = import.meta.dirname;
const kinds = ["open", "update", "notification", "keepalive", "route-refresh"];

function contextOf({ context = {} }: Vector): CodecContext {
  const { addPath = [], ...rest } = context;
  return codecContext({
    ...rest,
    addPathReceive: new Set(addPath),
    addPathSend: new Set(addPath),
  });
}

/** As JSON has it, octets as hex. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Uint8Array ? toHex(inner) : inner,
  );
  return JSON.parse(text);
}

function encode(message: BgpMessage, context: CodecContext): Uint8Array[] {
  switch (message.type) {
    case "OPEN":
      return [encodeOpen(message.open)];
    case "UPDATE":
      return encodeUpdate(message.update, context);
    case "NOTIFICATION":
      return [encodeNotification(message.notification)];
    case "KEEPALIVE":
      return [encodeKeepalive()];
    case "ROUTE-REFRESH":
      return [encodeRouteRefresh(message.routeRefresh)];
  }
}

function expectBgpError(run: () => unknown): BgpError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof BgpError, `not a BgpError: ${String(error)}`);
    return error;
  }
}

for (const kind of kinds) {
  const names = readdirSync(`${root}/${kind}`).filter((name) => name.endsWith(".hex"));
  assert.ok(names.length > 0, `no vectors of ${kind}`);
  for (const name of names.map((file) => file.slice(0, -4))) {
    const octets = hex(readFileSync(`${root}/${kind}/${name}.hex`, "utf8"));
    const vector = JSON.parse(readFileSync(`${root}/${kind}/${name}.json`, "utf8")) as Vector;
    const context = contextOf(vector);

    test(`${kind}/${name} means what its .json says`, () => {
      if (vector.error === undefined) {
        assert.deepEqual(plain(decodeMessage(octets, context)), vector.message);
        return;
      }
      const error = expectBgpError(() => decodeMessage(octets, context));
      assert.ok(error, "decoded without an error");
      const { code, subcode, data } = error;
      assert.deepEqual({ name: error.name, code, subcode, data: toHex(data) }, vector.error);
    });

    test(`${kind}/${name} is described as its .json says`, () => {
      assert.deepEqual(plain(describeMessage(octets, context)), vector.described);
    });

    if (vector.error === undefined) {
      test(`${kind}/${name} is encoded as it came, and again the same`, () => {
        const message = decodeMessage(octets, context);
        const encoded = encode(message, context).map(toHex);
        assert.deepEqual(encoded, vector.encoded ?? [toHex(octets)]);
        for (const one of encoded) {
          const again = encode(decodeMessage(hex(one), context), context);
          assert.deepEqual(again.map(toHex), [one]);
        }
      });
    }

    test(`${kind}/${name} cut at any octet gives a BgpError or a value`, () => {
      for (let length = 0; length < octets.length; length++) {
        const cut = octets.slice(0, length);
        assert.ok(
          expectBgpError(() => decodeMessage(cut, context)),
          "the header lies",
        );
        if (length < 19) continue;
        cut[16] = length >>> 8;
        cut[17] = length;
        expectBgpError(() => decodeMessage(cut, context));
      }
    });
  }
}
