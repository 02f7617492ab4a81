import type { Listen } from "./listen.ts";
import type { ConfigProblem } from "./problem.ts";
import type { ExplicitPeer, ExplicitRange } from "./resolve-peers.ts";
import type { SpeakerFile } from "./speaker-schema.ts";

/** The configuration of a speaker without a programmer, in force: every default in place. docs/CONFIG.md has it all. */
export interface SpeakerSettings {
  readonly asn: number;
  /** Dotted quads, not 0.0.0.0. */
  readonly routerId: string;
  readonly clusterId: string;
  readonly clientToClient: boolean;
  readonly listen: Listen;
  readonly bestPath: Readonly<SpeakerFile["bestPath"]>;
  readonly slowPeers: Readonly<SpeakerFile["slowPeers"]>;
  readonly timers: Readonly<SpeakerFile["timers"]>;
  readonly peers: readonly ExplicitPeer[];
  readonly ranges: readonly ExplicitRange[];
  readonly originate: readonly Readonly<SpeakerFile["originate"][number]>[];
  /** Where peers from ranges are remembered, to be dialled after a restart; absent: nowhere. */
  readonly peersFile?: string | undefined;
  /** Absent: no API. */
  readonly api?: SpeakerFile["api"] | undefined;
  /** Where Prometheus metrics and probes are served. */
  readonly metrics: SpeakerFile["metrics"];
  readonly log: Readonly<SpeakerFile["log"]>;
}

/** What loading a speaker's configuration comes to. */
export type LoadedSpeaker =
  | {
      readonly ok: true;
      readonly settings: SpeakerSettings;
      readonly warnings: readonly ConfigProblem[];
    }
  | {
      readonly ok: false;
      /** Every mistake, by place; at least one. */
      readonly errors: readonly ConfigProblem[];
      readonly warnings: readonly ConfigProblem[];
    };
