/**
 * The UPDATE codec: small (1 prefix) and full (4096 octets) messages, decoded and encoded.
 *
 *   node bench/codec.ts [seconds per measure, default 1]
 *
 * Decoding is measured three ways: as a session does it for attributes seen before (scan, walk the prefixes), for
 * attributes that are new (scan, decode, walk), and in full, with text for prefixes. The baseline of the same run is a
 * decoder made of binary-parser alone, the way its documentation suggests.
 */
import assert from "node:assert/strict";
import { Parser } from "binary-parser";
import { decodePathAttributes } from "../src/bgp/attribute/decode-attributes.ts";
import type { PathAttributes } from "../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../src/bgp/family/index.ts";
import type { VisitNlri } from "../src/bgp/family/nlri.ts";
import type { CodecContext } from "../src/bgp/message/codec-context.ts";
import { Framer } from "../src/bgp/message/framer.ts";
import { scanUpdate, UpdateView } from "../src/bgp/message/scan-update.ts";
import { decodeUpdate } from "../src/bgp/message/update.ts";
import { UpdatePacker } from "../src/bgp/message/update-packer.ts";

const seconds = Number(process.argv[2] ?? 1);

const context: CodecContext = {
  fourOctetAs: true,
  external: false,
  maximumMessageOctets: 4096,
  addPathReceive: new Set(),
  addPathSend: new Set(),
};

/** What a reflected pod route carries. */
const attributes: PathAttributes = {
  origin: 0,
  asPath: [{ type: 2, asns: [65001, 4200000000] }],
  nextHop: "192.0.2.1",
  localPref: 100,
  communities: [0xfde90064],
  originatorId: 0x0a000001,
  clusterList: [0x0a0000fe],
};

/** Address octets of 10.x.y.0/24, four to a prefix. */
const addresses = new Uint8Array(4 * 4096);
for (let index = 0; index < 4096; index++) {
  addresses.set([10, index >>> 8, index & 255, 0], index * 4);
}

/** One whole UPDATE with `count` prefixes, or as many as fit. */
function makeUpdate(count: number): { message: Uint8Array; prefixes: number } {
  let first: Uint8Array | undefined;
  const packer = new UpdatePacker(context, (message) => (first ??= message.slice()));
  packer.announce(ipv4Unicast, attributes);
  for (let index = 0; index < count && first === undefined; index++) {
    packer.add(addresses, (index % 4096) * 4, 24);
  }
  packer.flush();
  assert.ok(first);
  return { message: first, prefixes: decodeUpdate(first.subarray(19), context).announced.length };
}

/** The UPDATE body by binary-parser and nothing else: attributes stay octets, prefixes become objects. */
function baselineParser(): Parser {
  const prefixes: Record<number, Parser> = { 0: new Parser() };
  for (let bits = 1; bits <= 32; bits++) {
    prefixes[bits] = new Parser().buffer("prefix", { length: (bits + 7) >> 3 });
  }
  const nlri = new Parser().uint8("length").choice({ tag: "length", choices: prefixes });
  const short = new Parser().endianness("big").uint8("length");
  const long = new Parser().endianness("big").uint16("length");
  const lengths = { 0x40: short, 0x80: short, 0xc0: short, 0x50: long, 0x90: long, 0xd0: long };
  const attribute = new Parser()
    .endianness("big")
    .uint8("flags")
    .uint8("code")
    .choice({ tag: "flags", choices: lengths })
    .buffer("value", { length: "length" });
  return new Parser()
    .endianness("big")
    .uint16("withdrawnLength")
    .array("withdrawn", { type: nlri, lengthInBytes: "withdrawnLength" })
    .uint16("attributesLength")
    .array("attributes", { type: attribute, lengthInBytes: "attributesLength" })
    .array("nlri", { type: nlri, readUntil: "eof" });
}

const view = new UpdateView();
/** What the walk found, kept so that no compiler may leave the work out. */
let sum = 0;
const visit: VisitNlri = (_, octets, offset, lengthBits) => {
  // The key of an IPv4 prefix, as a table of routes computes it.
  sum += (octets[offset] as number) * 65536 + (octets[offset + 1] as number) * 256 + lengthBits;
};

function decodeKnown(body: Uint8Array): void {
  scanUpdate(body, 0, body.length, view);
  ipv4Unicast.walkNlri(body, view.nlriStart, view.nlriEnd, false, visit);
}

function decodeNew(body: Uint8Array): void {
  scanUpdate(body, 0, body.length, view);
  const options = { announces: view.nlriStart < view.nlriEnd };
  const { attributesEnd, attributesStart } = view;
  const decoded = decodePathAttributes(body, attributesStart, attributesEnd, context, options);
  sum += decoded.errors.length;
  ipv4Unicast.walkNlri(body, view.nlriStart, view.nlriEnd, false, visit);
}

interface Measure {
  readonly perSecond: number;
}

/** Runs `work` for `seconds`, after a tenth of that to warm up. */
function measure(work: () => void): Measure {
  const run = (milliseconds: number): number => {
    const started = performance.now();
    let count = 0;
    for (let batch = 1; ; batch = Math.min(batch * 2, 1024)) {
      for (let index = 0; index < batch; index++) work();
      count += batch;
      const elapsed = performance.now() - started;
      if (elapsed >= milliseconds) return (count / elapsed) * 1000;
    }
  };
  run(seconds * 100);
  return { perSecond: run(seconds * 1000) };
}

function row(cells: readonly (string | number)[]): void {
  const [name, ...rest] = cells.map(String);
  console.log((name ?? "").padEnd(46) + rest.map((cell) => cell.padStart(16)).join(""));
}

function millions(value: number): string {
  return `${(value / 1e6).toFixed(value < 1e7 ? 2 : 1)} M`;
}

function decodeRows(title: string, message: Uint8Array, prefixes: number): void {
  const body = message.subarray(19);
  const parser = baselineParser();
  const parsed = parser.parse(body) as { readonly nlri: readonly unknown[] };
  assert.equal(parsed.nlri.length, prefixes);
  const framer = new Framer();
  const frameAndDecode = (): void => {
    framer.push(message);
    const framed = framer.next();
    assert.ok(framed);
    scanUpdate(framed.octets, framed.start, framed.end, view);
    ipv4Unicast.walkNlri(framed.octets, view.nlriStart, view.nlriEnd, false, visit);
    framer.next();
  };
  const baseline = measure(() => {
    sum += (parser.parse(body) as { readonly nlri: readonly unknown[] }).nlri.length;
  }).perSecond;
  const print = (name: string, perSecond: number): void => {
    const ratio = `${(perSecond / baseline).toFixed(1)} x`;
    row([`${title}, ${name}`, millions(perSecond), millions(perSecond * prefixes), ratio]);
  };
  print("binary-parser alone", baseline);
  print("attributes known", measure(() => decodeKnown(body)).perSecond);
  print("the same with framing", measure(frameAndDecode).perSecond);
  print("attributes new", measure(() => decodeNew(body)).perSecond);
  const full = measure(() => {
    sum += decodeUpdate(body, context).announced.length;
  });
  print("in full, with text", full.perSecond);
}

function encodeRows(title: string, prefixes: number): void {
  let octets = 0;
  const packer = new UpdatePacker(context, (message) => {
    octets += message.length;
  });
  const add = (): void => {
    for (let index = 0; index < prefixes; index++) packer.add(addresses, index * 4, 24);
    packer.flush();
  };
  const print = (name: string, perSecond: number): void => {
    row([`${title}, ${name}`, millions(perSecond), millions(perSecond * prefixes), ""]);
  };
  packer.announce(ipv4Unicast, attributes);
  print("attributes encoded already", measure(add).perSecond);
  const withAttributes = measure(() => {
    packer.announce(ipv4Unicast, attributes);
    add();
  });
  print("attributes encoded too", withAttributes.perSecond);
  packer.withdraw(ipv4Unicast);
  print("withdrawn", measure(add).perSecond);
  assert.ok(octets > 0);
}

const small = makeUpdate(1);
const full = makeUpdate(Number.POSITIVE_INFINITY);
console.log(`Node ${process.version}, ${seconds} s per measure`);
console.log(`small: 1 prefix in ${small.message.length} octets`);
console.log(`full: ${full.prefixes} prefixes in ${full.message.length} octets`);
console.log();
row(["decode", "messages/s", "prefixes/s", "to baseline"]);
decodeRows("small", small.message, small.prefixes);
decodeRows("full", full.message, full.prefixes);
console.log();
row(["encode", "messages/s", "prefixes/s", ""]);
encodeRows("small", small.prefixes);
encodeRows("full", full.prefixes);
assert.ok(Number.isFinite(sum));
