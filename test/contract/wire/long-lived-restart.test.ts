/** What a peer that does not come back in time is to others, octet for octet, over real sockets (RFC 9494). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { until } from "../../support/until.ts";
import { toHex } from "../../vectors/hex.ts";
import { capabilities, openMessage, updateMessage, WireScene, type WireSession } from "./scene.ts";

const nlri = "18 0ae902";
const route = updateMessage("400101 00 400200 400304 0a000009 400504 00000064", nlri);
/** IPv4 unicast: back in 5 s, forwarding kept; for 10 s more as a last resort. */
const wantsLong = `${capabilities} 4006 0005 000101 80 4707 000101 80 00000a`;
/** Keeps nothing itself, and knows what others do. */
const knows = `${capabilities} 4002 0000 4700`;

async function nextUpdate(session: WireSession): Promise<string> {
  const octets = await session.expect(MessageType.update);
  return toHex(octets.subarray(headerOctets));
}

test("paths of a peer that is gone for long are told with LLGR_STALE, and to who has the capability alone", async () => {
  const settings = { client: true, gracefulRestartSeconds: 60, longLivedStaleSeconds: 0 };
  await using scene = await WireScene.start(settings);
  using knowing = await scene.established(openMessage({ capabilities: knows }));
  using ignorant = await scene.established(openMessage({ identifier: "0a00000a" }));
  const openOctets = openMessage({ identifier: "0a00000b", capabilities: wantsLong });
  using gone = await scene.established(openOctets);
  await gone.peer.send(route);
  const reflected = "8009040a00000b800a047f000001180ae902";
  const plain = "40010100400200400304 0a000009400504 00000064".replaceAll(" ", "");
  for (const session of [knowing, ignorant]) {
    assert.equal(await nextUpdate(session), `00000023${plain}${reflected}`);
  }
  const peer = scene.driver.speaker.peer(gone.address);
  gone.peer.destroy();
  await until("the loss to be noticed", () => peer?.staleFamilies.size === 1);
  scene.clock.advance(5100);
  assert.equal(await nextUpdate(knowing), `0000002a${plain}c00804ffff0006${reflected}`);
  const withdrawal = "0004180ae9020000";
  assert.equal(await nextUpdate(ignorant), withdrawal);
  scene.clock.advance(9800);
  assert.deepEqual(scene.prefixesFrom(gone.address), ["10.233.2.0/24"]);
  scene.clock.advance(300);
  assert.equal(await nextUpdate(knowing), withdrawal);
  assert.deepEqual(scene.prefixesFrom(gone.address), []);
});
