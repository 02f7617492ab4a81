import type { ForeignRoute } from "./ownership.ts";

/** Why the kernel does not take a route. */
export interface RowFailure {
  /** Positive errno. */
  readonly errno: number;
  /** `ENETUNREACH: Nexthop has invalid gateway`. */
  readonly text: string;
}

export const EEXIST = 17;

export const unlisted: RowFailure = {
  errno: EEXIST,
  text: "EEXIST: the kernel has a route there that it does not list",
};

/** Who changed a route of ours, as far as the kernel tells. */
export interface Culprit {
  /** rtm_protocol that the change bore. */
  readonly protocol: number;
  /** The netlink port that asked for it: mostly the process's id; 0 for the kernel itself. */
  readonly portId: number;
}

/** What keeps a row from being as it shall: of most rows there is none. */
export interface RowTrouble {
  /** A route of another protocol in its place. */
  foreign?: ForeignRoute | undefined;
  /** The scan that saw it. */
  foreignSeen: number;
  failure?: RowFailure | undefined;
  /** What others did to it since it was installed. */
  damage?: "deleted" | "changed" | undefined;
  /** Who did; `undefined` where only a scan told of it. */
  culprit?: Culprit | undefined;
  /** Scans that found nothing where the kernel says something is. */
  fruitlessScans: number;
}
