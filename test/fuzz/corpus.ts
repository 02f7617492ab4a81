import { readdirSync, readFileSync } from "node:fs";
import { captureReader } from "../../src/capture/index.ts";
import { hex } from "../vectors/hex.ts";

const vectors = `${import.meta.dirname}/../vectors`;
const kinds = ["open", "update", "notification", "keepalive", "route-refresh"];

/** Whole messages to begin with: every vector, sound or not, and those of a session of BIRD with FRR. */
export function corpus(): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const kind of kinds) {
    for (const name of readdirSync(`${vectors}/${kind}`).toSorted()) {
      if (name.endsWith(".hex"))
        messages.push(hex(readFileSync(`${vectors}/${kind}/${name}`, "utf8")));
    }
  }
  const reader = captureReader("pcap", { fourOctetAs: true, addPath: false }, (captured) => {
    if ("octets" in captured) messages.push(captured.octets.slice());
  });
  reader.push(Uint8Array.from(readFileSync(`${vectors}/capture/bird-frr.pcap`)));
  reader.end();
  return messages;
}
