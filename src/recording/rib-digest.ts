import type { Speaker } from "../bgp/speaker.ts";
import { Digest } from "./digest.ts";
import { textOf } from "./settings-json.ts";

/** What the RIBs hold, in short. */
export interface RibDigest {
  /** Of all peers and families. */
  readonly paths: number;
  readonly digest: string;
}

/** A digest of every path: whose it is, its attributes, whether it is used and why not. */
export function ribDigest(speaker: Speaker): RibDigest {
  const digest = new Digest();
  const encoder = new TextEncoder();
  const attributes = new Map<number, string>();
  const attributesText = (id: number): string => {
    const text = attributes.get(id) ?? textOf(speaker.attributes.attributes(id));
    attributes.set(id, text);
    return text;
  };
  let count = 0;
  for (const { family, prefixes, paths } of speaker.ribs.values()) {
    for (let prefix = 0; prefix < prefixes.end; prefix++) {
      for (let row = paths.first(prefix); row >= 0; row = paths.next(row)) {
        count++;
        const peer = speaker.ribPeer(paths.peer(row)).address;
        const state = `${paths.reason(row)} ${paths.isStale(row)}`;
        const route = `${family.name} ${prefixes.text(prefix)} ${peer} ${state}`;
        digest.update(encoder.encode(`${route} ${attributesText(paths.attributes(row))}\n`));
      }
    }
  }
  return { paths: count, digest: digest.text };
}
