import type { Namespace } from "../netns.ts";
import { Bird } from "./bird.ts";
import { ExaBgp } from "./exabgp.ts";
import { Frr } from "./frr.ts";
import { GoBgp } from "./gobgp.ts";
import { OpenBgpd } from "./openbgpd.ts";
import type { DaemonKind, ForeignSpeaker } from "./speaker.ts";

/** The table of foreign daemons: a new one is one file and one row (and its kind in speaker.ts). */
export const FOREIGN_SPEAKERS: Readonly<
  Record<DaemonKind, (namespace: Namespace, directory: string) => ForeignSpeaker>
> = {
  bird: (namespace, directory) => new Bird(namespace, directory),
  frr: (namespace, directory) => new Frr(namespace, directory),
  gobgp: (namespace, directory) => new GoBgp(namespace, directory),
  openbgpd: (namespace, directory) => new OpenBgpd(namespace, directory),
  exabgp: (namespace, directory) => new ExaBgp(namespace, directory),
};

export type {
  DaemonKind,
  ForeignConfig,
  ForeignPeer,
  ForeignRoute,
  ForeignSpeaker,
  TunnelDetour,
} from "./speaker.ts";
