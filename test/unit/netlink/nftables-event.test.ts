import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AttributeWriter } from "../../../src/netlink/attribute.ts";
import type { NetlinkMessage } from "../../../src/netlink/message.ts";
import { type NftablesChange, NftablesChanges } from "../../../src/netlink/nftables-event.ts";

const NFTABLES = 10 << 8;
const [NEW_TABLE, DEL_TABLE, NEW_RULE, NEW_GENERATION] = [0, 2, 6, 15];
const [INET, IPV4, IPV6] = [1, 2, 10];

function message(
  type: number,
  family: number,
  fill: (writer: AttributeWriter) => void,
  subsystem = NFTABLES,
): NetlinkMessage {
  const writer = new AttributeWriter(Uint8Array.of(family, 0, 0, 7));
  fill(writer);
  const payload = writer.finish();
  const place = { datagram: payload, start: 0, end: payload.length, next: payload.length };
  return { type: subsystem | type, flags: 0, sequence: 0, portId: 4711, payload, ...place };
}

const named = (type: number, family: number, table: string): NetlinkMessage =>
  message(type, family, (writer) => writer.text(1, table).text(2, "chain"));
const end = message(NEW_GENERATION, 0, (writer) =>
  writer
    .bytes(1, Uint8Array.of(0, 0, 0, 9))
    .bytes(2, Uint8Array.of(0, 0, 18, 103))
    .text(3, "nft"),
);

function take(...messages: NetlinkMessage[]): NftablesChange[] {
  const changes = new NftablesChanges();
  return messages.flatMap((one) => changes.take(one) ?? []);
}

describe("changes of nftables", () => {
  test("are told whole, with their tables and who made them", () => {
    const changes = take(
      named(DEL_TABLE, INET, "margay"),
      named(NEW_TABLE, INET, "margay"),
      named(NEW_RULE, IPV4, "filter"),
      end,
      named(NEW_RULE, IPV6, "nat"),
      end,
    );
    assert.deepEqual(
      changes.map(({ tables, portId, processName }) => [[...tables], portId, processName]),
      [
        [["inet margay", "ip filter"], 4711, "nft"],
        [["ip6 nat"], 4711, "nft"],
      ],
    );
  });

  test("are not made of other subsystems' messages, nor of ones that are cut short", () => {
    const other = message(NEW_TABLE, INET, (writer) => writer.text(1, "margay"), 1 << 8);
    const short: NetlinkMessage = { ...end, payload: Uint8Array.of(1, 0) };
    const [change, ...more] = take(other, short, end);
    assert.deepEqual([...(change?.tables ?? ["none"])], []);
    assert.deepEqual(more, []);
  });

  test("of a kernel that names no process", () => {
    const [change] = take(
      message(NEW_GENERATION, 0, (writer) => writer.bytes(1, new Uint8Array(4))),
    );
    assert.equal(change?.processName, "");
  });
});
