import type { Namespace } from "../netns.ts";
import { Bird } from "./bird.ts";
import { Frr } from "./frr.ts";
import { GoBgp } from "./gobgp.ts";
import type { ForeignSpeaker } from "./speaker.ts";

/** The table of foreign daemons: a new one is one file and one row. */
export const FOREIGN_SPEAKERS: Readonly<
  Record<string, (namespace: Namespace, directory: string) => ForeignSpeaker>
> = {
  bird: (namespace, directory) => new Bird(namespace, directory),
  frr: (namespace, directory) => new Frr(namespace, directory),
  gobgp: (namespace, directory) => new GoBgp(namespace, directory),
};

export type {
  ForeignConfig,
  ForeignPeer,
  ForeignRoute,
  ForeignSpeaker,
  TunnelDetour,
} from "./speaker.ts";
