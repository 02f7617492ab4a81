import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type PacketOptions, pcap } from "../../support/packets.ts";
import { hex, message, toHex } from "../../vectors/hex.ts";
import { capture, describedOf, messagesOf } from "./support.ts";

const syn = 0x02;
const keepalive = message(4, "");
const refresh = message(5, "00010001");
const withdrawal = message(2, "0004 180ae902 0000");
const all = Uint8Array.from([...keepalive, ...refresh, ...withdrawal]);
const allHex = [keepalive, refresh, withdrawal].map(toHex);

/** The three messages in segments that end at these offsets. */
function segments(...ends: readonly number[]): PacketOptions[] {
  let at = 0;
  return [...ends, all.length].map((end) => {
    const packet = { sequence: 101 + at, payload: all.subarray(at, end) };
    at = end;
    return packet;
  });
}

const begin: PacketOptions = { sequence: 100, flags: syn };

describe("packets", () => {
  for (const linkType of [0, 1, 101, 113, 276]) {
    for (const [source, destination] of [
      ["192.0.2.1", "192.0.2.2"],
      ["2001:db8::1", "2001:db8::2"],
    ] as const) {
      test(`of link type ${linkType} from ${source}`, () => {
        const ends = { source, destination, linkType };
        const found = capture(
          pcap([{ ...begin, ...ends }, ...segments(5, 30).map((one) => ({ ...one, ...ends }))]),
        );
        assert.deepEqual(messagesOf(found), allHex);
        const [{ from, place, time, to } = {} as never] = found as never[];
        const bracket = source.includes(":")
          ? ["[2001:db8::1]", "[2001:db8::2]"]
          : [source, destination];
        assert.deepEqual([from, to], [`${bracket[0]}:40000`, `${bracket[1]}:179`]);
        assert.equal(place, "frame 3");
        assert.deepEqual(time, { seconds: 1_800_000_000, nanoseconds: 2000 });
      });
    }
  }

  test("with VLAN tags, and with the padding of short frames", () => {
    const file = pcap([begin, ...segments(19)]);
    // Behind the MAC addresses of each packet stand two tags; behind the packet six octets.
    const records: number[] = [...file.subarray(0, 24)];
    for (let at = 24; at < file.length; ) {
      const view = new DataView(file.buffer, at);
      const length = view.getUint32(8);
      const packet = file.subarray(at + 16, at + 16 + length);
      const tagged = [
        ...packet.subarray(0, 12),
        ...hex("88a80001 81000002"),
        ...packet.subarray(12),
        0,
        0,
        0,
        0,
        0,
        0,
      ];
      records.push(
        ...file.subarray(at, at + 8),
        0,
        0,
        0,
        tagged.length,
        0,
        0,
        0,
        tagged.length,
        ...tagged,
      );
      at += 16 + length;
    }
    assert.deepEqual(messagesOf(capture(Uint8Array.from(records))), allHex);
  });

  test("of other ports are left out; unknown links are named once", () => {
    const other = segments().map((one) => ({ ...one, destinationPort: 180 }));
    assert.deepEqual(capture(pcap(other)), []);
    const unknown = { linkType: 147 };
    assert.deepEqual(capture(pcap([unknown, unknown])), [
      { place: "frame 1", problem: "packets of link type 147 cannot be read" },
    ]);
  });
});

describe("a TCP stream", () => {
  const cases: Readonly<Record<string, readonly PacketOptions[]>> = {
    "in one segment": [begin, ...segments()],
    "octet by octet": [
      begin,
      ...segments(...Array.from({ length: all.length - 1 }, (_, at) => at + 1)),
    ],
    "out of order": [begin, ...segments(3, 19, 30, 50).toReversed()],
    "with retransmissions": [begin, ...segments(10, 20), ...segments(10, 20), ...segments(15)],
    "with overlapping segments": [begin, ...segments(30).slice(0, 1), ...segments().slice(0, 1)],
    "whose SYN carries data": [{ ...begin, payload: all }],
    "across the end of the sequence numbers": [
      { ...begin, sequence: 0xffff_fff0 },
      ...segments(10, 20).map((one) => ({
        ...one,
        sequence: (one.sequence as number) - 101 + 0xffff_fff1,
      })),
    ],
    "twice between the same ports": [begin, ...segments(8), begin, ...segments(44)],
  };
  for (const [name, packets] of Object.entries(cases)) {
    test(name, () => {
      const twice = name.startsWith("twice");
      assert.deepEqual(messagesOf(capture(pcap(packets))), twice ? [...allHex, ...allHex] : allHex);
    });
  }

  test("whose beginning was not captured is read from its first message on", () => {
    const tail = segments(5).slice(1);
    assert.deepEqual(messagesOf(capture(pcap(tail))), allHex.slice(1));
  });

  test("of which a segment is missing goes on with the next message", () => {
    // The second message is not whole; the third is.
    const [first, , ...rest] = segments(10, 25, 60);
    assert.deepEqual(messagesOf(capture(pcap([begin, first as PacketOptions, ...rest]))), [
      allHex[2],
    ]);
    const [whole, , last] = segments(19, 42);
    assert.deepEqual(
      messagesOf(capture(pcap([begin, whole as PacketOptions, last as PacketOptions]))),
      [allHex[0], allHex[2]],
    );
  });

  test("of which only the beginnings of packets were captured gives what is whole", () => {
    const [first, second] = segments(42);
    const cut = { ...first, captured: 14 + 40 + 30 };
    assert.deepEqual(messagesOf(capture(pcap([begin, cut, second as PacketOptions]))), [
      allHex[0],
      allHex[2],
    ]);
  });

  test("that is broken is told of once, and read again from the next marker", () => {
    const broken = Uint8Array.from([
      ...keepalive,
      1,
      2,
      3,
      ...refresh,
      ...hex("ff".repeat(16)),
      0,
      5,
      4,
      ...keepalive,
    ]);
    assert.deepEqual(describedOf(capture(pcap([begin, { sequence: 101, payload: broken }]))), [
      { place: "frame 2", type: "keepalive" },
      {
        place: "frame 2",
        type: "unknown",
        errors: [
          {
            code: 1,
            subcode: 1,
            outcome: "session-reset",
            message: "marker octet 0 is 1, not 255",
          },
        ],
      },
      {
        place: "frame 2",
        type: "route-refresh",
        afi: 1,
        safi: 1,
        family: "ipv4-unicast",
        subtype: 0,
        subtypeName: "request",
      },
      {
        place: "frame 2",
        type: "keepalive",
        errors: [
          {
            code: 1,
            subcode: 2,
            outcome: "session-reset",
            message: "length 5 is not in 19..65535",
          },
        ],
      },
      { place: "frame 2", type: "keepalive" },
    ]);
  });

  test("is read as its two OPENs agree", () => {
    const open = (capabilities: string): Uint8Array => {
      const octets = hex(capabilities);
      const parameter = octets.length === 0 ? [] : [2, octets.length, ...octets];
      return message(
        1,
        Uint8Array.from([...hex("04 fde9 005a c0000201"), parameter.length, ...parameter]),
      );
    };
    // AS_PATH 65001 in two octets.
    const update = message(2, "0000 0012 40010100 400204 0201fde9 400304c0000201 18 0ae902");
    const fourOctetAs = "41040000fde9";
    const back = {
      source: "192.0.2.2",
      destination: "192.0.2.1",
      sourcePort: 179,
      destinationPort: 40_000,
    };
    const pathOf = (ours: string, theirs: string): unknown => {
      const payload = Uint8Array.from([...open(ours), ...update]);
      const packets = [
        begin,
        { ...begin, ...back },
        { ...back, sequence: 101, payload: open(theirs) },
        { sequence: 101, payload },
      ];
      return (describedOf(capture(pcap(packets)))[2] as { asPath?: string }).asPath;
    };
    assert.equal(pathOf(fourOctetAs, ""), "65001");
    assert.equal(pathOf("", fourOctetAs), "65001");
    assert.equal(pathOf(fourOctetAs, fourOctetAs), undefined);
  });
});
