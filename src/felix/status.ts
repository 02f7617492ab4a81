import type { RowState } from "../fib/row-state.ts";
import type { IpVersion } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { NextHopMode } from "./encapsulation.ts";
import type { FirewallStatus } from "./firewall/status.ts";
import type { ForwardingStatus } from "./forwarding.ts";
import type { LocalDecision } from "./local.ts";
import type { MtuStatus } from "./mtu/mtus.ts";
import type { PodCidrOverlap } from "./overlaps.ts";
import type { Problem } from "./problem.ts";
import type { SegmentVerdict } from "./segment.ts";
import type { TunnelKind } from "./tunnel-kind.ts";

/** When the whole of the kernel's routes was last read. */
export interface ResyncStatus {
  /** `start`, `link eth0 changed`, `events were lost`, `safety net`, … */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  readonly durationMs: number;
  /** Routes of ours that were there, … */
  readonly routes: number;
  /** … and their IP versions. */
  readonly versions: ReadonlySet<IpVersion>;
}

export interface TunnelStatus {
  readonly device: string;
  readonly kind: TunnelKind;
  /** Some next hop is reached through it. */
  readonly needed: boolean;
  readonly up: boolean;
  /** Octets. */
  readonly mtu: number | undefined;
  readonly addresses: readonly string[];
  /** Whether this kernel has such tunnels; `undefined` while nobody has needed one. */
  readonly isSupported: boolean | undefined;
  readonly problem: Problem | undefined;
}

/** A next hop on a segment of ours that frames do not get to and back, as one of the two ends finds. */
export interface LostNextHop {
  readonly address: string;
  /** It is the other end that says so. */
  readonly isDeaf: boolean;
  readonly text: string;
}

/** The programmer at a glance. */
export interface FelixStatus {
  readonly protocol: number;
  readonly table: number;
  readonly metric: number;
  readonly encapsulation: string;
  /** Routes by state. */
  readonly counts: Readonly<Record<RowState, number>>;
  /** Of IPv4. */
  readonly forwarding: ForwardingStatus;
  /** `undefined` as long as there are no IPv6 pods. */
  readonly ipv6Forwarding: ForwardingStatus | undefined;
  readonly tunnels: readonly TunnelStatus[];
  readonly local: readonly LocalDecision[];
  /** Routes found at start, of an earlier life. */
  readonly adopted: number;
  /** Their IP versions. */
  readonly adoptedVersions: ReadonlySet<IpVersion>;
  /** Nobody waits for more routes: what nobody wants has been swept. */
  readonly pictureComplete: boolean;
  /** Pod CIDRs inside those of other nodes; a hundred at most. */
  readonly overlaps: readonly PodCidrOverlap[];
  readonly mtu: MtuStatus;
  /** Routes that nobody wants and that are kept, since too many went at once while the picture was not whole. */
  readonly frozenRemovals: number;
  /** In the order of their addresses. */
  readonly lost: readonly LostNextHop[];
  /** What others deleted, changed or switched off, and that was put right. */
  readonly repairs: number;
  /** Times that events of the kernel were lost. */
  readonly overflows: number;
  /** `undefined` where the firewall is nobody's business. */
  readonly firewall: FirewallStatus | undefined;
  readonly lastResync: ResyncStatus | undefined;
}

/** One next hop of a route. */
export interface FibNextHop {
  readonly address: string;
  readonly mode: NextHopMode | undefined;
  /** `eth0`, `tunl0`; `undefined` when there is no way. */
  readonly device: string | undefined;
  readonly onlink: boolean;
  readonly verdict: SegmentVerdict;
  readonly problem: Problem | undefined;
}

/** One route: wanted, there, and what stands between. */
export interface FibEntry {
  readonly prefix: Prefix;
  readonly metric: number;
  readonly state: RowState;
  /** `undefined` when nobody wants it. */
  readonly wanted:
    | {
        readonly kind: "remote" | "local";
        readonly nextHops: readonly FibNextHop[];
        /** `via 192.168.1.3 dev eth0`; `undefined` while there is no way. */
        readonly text: string | undefined;
        /** The largest packet that it takes, in octets, and why; `undefined` while there is no way. */
        readonly mtu: { readonly octets: number; readonly text: string } | undefined;
      }
    | undefined;
  /** What the kernel has there: of ours, else the other protocol's. */
  readonly kernel:
    | {
        /** `via 192.168.1.3 dev eth0`. */
        readonly text: string;
        readonly protocol: number;
        /** As `ip route` shows it. */
        readonly line: string;
      }
    | undefined;
  /** The errno that the kernel gave, if any. */
  readonly errno: number | undefined;
  /** Why it is not installed; `undefined` when it is. */
  readonly problem: string | undefined;
  readonly remedy: string | undefined;
}

/** Something happened to a route or to the programmer, for those who watch. */
export type FelixEvent =
  | {
      readonly kind: "installed" | "repaired" | "removed";
      readonly prefix: Prefix;
      /** `via 192.168.1.3 dev eth0`. */
      readonly text: string;
    }
  | {
      readonly kind: "conflict" | "error";
      readonly prefix: Prefix;
      readonly text: string;
    }
  | { readonly kind: "resync"; readonly reason: string; readonly routes: number };
