/**
 * A route reflector with no RIB, no Decision Process, no policy and no packing: it puts ORIGINATOR_ID and CLUSTER_LIST to
 * every UPDATE and sends it to all but its sender. What a run against it takes is the floor that tester, TCP and Node.js set.
 *
 *   node bench/tester/null-reflector.ts ADDRESS PORT ASN
 */
import { createServer, type Socket } from "node:net";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { AttributeCode, AttributeFlag, headerOctets, MessageType } from "../../src/bgp/iana.ts";
import { parseIpAddress } from "../../src/net/ip-address.ts";

const [address = "", port, asn] = process.argv.slice(2);
const identifier = new DataView(Uint8Array.from(parseIpAddress(address) ?? []).buffer).getUint32(0);
const greeting = Buffer.concat([
  encodeOpen({
    asn: Number(asn),
    holdTimeSeconds: 240,
    bgpIdentifier: identifier,
    capabilities: [
      { name: "multiprotocol", afi: 1, safi: 1 },
      { name: "fourOctetAs", asn: Number(asn) },
    ],
  }),
  encodeKeepalive(),
]);

/** What has been reflected between two turns of the event loop. */
interface Batch {
  readonly octets: Uint8Array;
  /** Who sent it, and where what it sent ends: runs of messages, in order. */
  readonly runs: readonly { readonly from: Peer; end: number }[];
}

interface Peer {
  readonly socket: Socket;
  readonly identifier: number;
  remainder: Uint8Array;
  isUp: boolean;
}

const peers = new Set<Peer>();
/** All that was ever reflected: who comes later gets it all, as from a RIB. */
const batches: Batch[] = [];
const added = 14;
let pending = new Uint8Array(1 << 20);
let pendingOctets = 0;
let runs: { from: Peer; end: number }[] = [];

function sendBatch(peer: Peer, { octets, runs: all }: Batch): void {
  let start = 0;
  let end = 0;
  const flush = (): void => {
    if (end > start) peer.socket.write(octets.subarray(start, end));
  };
  peer.socket.cork();
  for (const run of all) {
    if (run.from === peer) {
      flush();
      start = run.end;
    }
    end = run.end;
  }
  flush();
  peer.socket.uncork();
}

/** When the next batch may go out: a batch is followed by a pause as long as it took, so that under load many share one write. */
let nextBatchAtMs = 0;

function schedule(): void {
  const waitMs = nextBatchAtMs - performance.now();
  if (waitMs > 0) setTimeout(reflectAll, waitMs);
  else setImmediate(reflectAll);
}

function reflectAll(): void {
  const startMs = performance.now();
  const batch = { octets: pending.subarray(0, pendingOctets), runs };
  pending = new Uint8Array(1 << 20);
  runs = [];
  pendingOctets = 0;
  batches.push(batch);
  for (const peer of peers) if (peer.isUp) sendBatch(peer, batch);
  const nowMs = performance.now();
  nextBatchAtMs = 2 * nowMs - startMs;
}

/** Notes one UPDATE for everybody else. */
function reflect(from: Peer, octets: Uint8Array, start: number, end: number): void {
  const withdrawnOctets = readUint16(octets, start + headerOctets);
  const attributesAt = start + headerOctets + 2 + withdrawnOctets;
  const attributesOctets = readUint16(octets, attributesAt);
  const headEnd = attributesAt + 2 + attributesOctets;
  if (withdrawnOctets === 0 && attributesOctets === 0) return; // End-of-RIB
  if (pendingOctets === 0) schedule();
  if (pendingOctets + end - start + added > pending.length) {
    const larger = new Uint8Array(2 * pending.length);
    larger.set(pending);
    pending = larger;
  }
  const at = pendingOctets;
  copy(octets, start, headEnd);
  if (attributesOctets > 0) {
    writeUint16(pending, at + 16, end - start + added);
    writeUint16(pending, at + attributesAt - start, attributesOctets + added);
    writeAttribute(AttributeCode.originatorId, from.identifier);
    writeAttribute(AttributeCode.clusterList, identifier);
  }
  copy(octets, headEnd, end);
  const last = runs.at(-1);
  if (last?.from === from) last.end = pendingOctets;
  else runs.push({ from, end: pendingOctets });
}

/** By hand: a view of so few octets would cost more than they do. */
function copy(octets: Uint8Array, start: number, end: number): void {
  let to = pendingOctets;
  for (let from = start; from < end; from++) pending[to++] = octets[from] as number;
  pendingOctets = to;
}

function readUint16(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 8) | (octets[at + 1] as number);
}

function writeUint16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/** One optional attribute of four octets. */
function writeAttribute(code: number, value: number): void {
  pending[pendingOctets] = AttributeFlag.optional;
  pending[pendingOctets + 1] = code;
  pending[pendingOctets + 2] = 4;
  writeUint16(pending, pendingOctets + 3, value >>> 16);
  writeUint16(pending, pendingOctets + 5, value);
  pendingOctets += 7;
}

function receive(peer: Peer, chunk: Uint8Array): void {
  const octets = peer.remainder.length === 0 ? chunk : Buffer.concat([peer.remainder, chunk]);
  let at = 0;
  while (octets.length - at >= headerOctets) {
    const end = at + readUint16(octets, at + 16);
    if (end > octets.length) break;
    const type = octets[at + 18];
    if (type === MessageType.open) peer.socket.write(greeting);
    else if (type === MessageType.update) reflect(peer, octets, at, end);
    else if (type === MessageType.keepalive && !peer.isUp) {
      peer.isUp = true;
      for (const batch of batches) sendBatch(peer, batch);
    }
    at = end;
  }
  peer.remainder = octets.slice(at);
}

const server = createServer({ noDelay: true }, (socket) => {
  const octets = parseIpAddress(socket.remoteAddress ?? "") ?? [];
  const peer: Peer = {
    socket,
    identifier: new DataView(Uint8Array.from(octets).buffer).getUint32(0),
    remainder: new Uint8Array(0),
    isUp: false,
  };
  peers.add(peer);
  socket.on("data", (chunk: Uint8Array) => receive(peer, chunk));
  socket.on("error", () => {});
  socket.on("close", () => peers.delete(peer));
});
server.listen({ host: address, port: Number(port), backlog: 4096 });
