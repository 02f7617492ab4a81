export type IpVersion = 4 | 6;

export function ipVersionOf(prefixOrAddress: string): IpVersion {
  return prefixOrAddress.includes(":") ? 6 : 4;
}

/** Families of a session, IPv4 unless it says otherwise. */
export function familiesOf({ families = [4] }: ForeignPeer): readonly IpVersion[] {
  return families;
}

/** The next hop of what is originated: that of the prefix's IP version where there is one. */
export function nextHopOf({ address, nextHops = {} }: ForeignConfig, prefix: string): string {
  return nextHops[ipVersionOf(prefix)] ?? address;
}

/** The same with another password for one peer. */
export function withPassword(
  config: ForeignConfig | undefined,
  address: string,
  password: string,
): ForeignConfig {
  if (config === undefined) throw new Error("the daemon is not started");
  const peers = config.peers.map((peer) => {
    return peer.address === address ? { ...peer, password } : peer;
  });
  return { ...config, peers };
}

/** Communities by their kind. */
export function communitiesOf({ communities = [] }: ForeignConfig): {
  readonly standard: readonly string[];
  readonly large: readonly string[];
} {
  const isLarge = (community: string): boolean => community.split(":").length === 3;
  return {
    standard: communities.filter((community) => !isLarge(community)),
    large: communities.filter(isLarge),
  };
}

/** The daemons of others that margay is run against, as Debian packages them. */
export type DaemonKind = "bird" | "frr" | "gobgp" | "openbgpd" | "exabgp";

/** A BGP session as the far side shall configure it. */
export interface ForeignPeer {
  readonly address: string;
  readonly asn: number;
  /** Wait for the other side to dial. */
  readonly passive?: boolean;
  /** The far side reflects to and from this peer (RFC 4456). */
  readonly reflectorClient?: boolean;
  /** Do not offer the 4-octet AS capability (RFC 6793): an old speaker. Neither FRR nor GoBGP can be one. */
  readonly twoOctetAs?: boolean;
  /** Families of the session. Default: IPv4. */
  readonly families?: readonly IpVersion[];
  /** IPv4 routes may have IPv6 next hops (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** Of a link-local `address`, without its zone: the device that it is on. */
  readonly device?: string;
  /** TCP-MD5 (RFC 2385). */
  readonly password?: string;
  /** Generalized TTL security (RFC 5082): hops that the peer may be away. GoBGP, OpenBGPD and ExaBGP know 1 only. */
  readonly ttlSecurity?: number;
  /** Hops that an eBGP peer may be away, without which it must be on the segment. */
  readonly multihop?: number;
  /** Offer enhanced route refresh (RFC 7313), where that is not so anyway: OpenBGPD. */
  readonly enhancedRefresh?: boolean;
  /** What it is to this peer (RFC 9234). BIRD, FRR and OpenBGPD. */
  readonly role?: "provider" | "customer" | "peer";
  /** Offer extended messages (RFC 8654), where that is not so anyway: BIRD. */
  readonly extendedMessages?: boolean;
  /** Several paths to a prefix, as ADD-PATH is offered (RFC 7911): all that there are. */
  readonly addPath?: "receive" | "send" | undefined;
  /** Restart Time offered, and the forwarding state kept (RFC 4724). Default: what the daemon does by itself. */
  readonly gracefulRestartSeconds?: number;
  /** Long-lived stale time offered beside it (RFC 9494). BIRD, FRR and GoBGP. */
  readonly longLivedSeconds?: number;
  /** The far side becomes the dialler's elder: how long it waits between attempts, in seconds (default 1). */
  readonly connectRetrySeconds?: number;
}

/** A point-to-point tunnel over which routes of some next hops shall go: what a daemon that cannot use tunl0 needs. */
export interface TunnelDetour {
  /** Next hops inside this prefix are rewritten … */
  readonly nextHopsWithin: string;
  /** … to this address, the far end of a point-to-point device. */
  readonly via: string;
}

/** What a foreign daemon is told, whichever it is. */
export interface ForeignConfig {
  readonly address: string;
  readonly asn: number;
  readonly routerId: string;
  readonly holdTimeSeconds: number;
  readonly peers: readonly ForeignPeer[];
  /** Prefixes it originates with itself as next hop. */
  readonly originate: readonly string[];
  /** What that next hop is, where it is not `address` or of another IP version. */
  readonly nextHops?: Readonly<Partial<Record<IpVersion, string>>>;
  /** Standard and large ones on what is originated: "65001:5", "65001:1:2". */
  readonly communities?: readonly string[];
  /** Write what is learned into the kernel of its namespace. BIRD and FRR only. */
  readonly programKernel?: boolean;
  readonly detour?: TunnelDetour;
  /** Hand on to each peer what the others say, also between ASes. All but BIRD do so anyway, and ExaBGP never. */
  readonly isTransit?: boolean;
  /** This start is a restart that kept the forwarding state. BIRD and GoBGP must be told. */
  readonly restarted?: boolean;
}

export interface ForeignRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly asPath: readonly number[];
  readonly originatorId?: string;
  readonly clusterList?: readonly string[];
  readonly localPreference?: number;
  /** As they are written: "65535:6". */
  readonly communities?: readonly string[];
  /** "65000:1:2" */
  readonly largeCommunities?: readonly string[];
  readonly med?: number;
  /** ONLY_TO_CUSTOMER (RFC 9234). */
  readonly onlyToCustomer?: number;
}

/** A BGP daemon of somebody else, run in a namespace with its own sockets and pid files. */
export interface ForeignSpeaker {
  readonly kind: DaemonKind;
  /** Resolves when it answers its control client. */
  start(config: ForeignConfig): Promise<void>;
  /** Ends it in its ordinary way: sessions get a Cease. */
  stop(): Promise<void>;
  /** Ends every process of it without a word (SIGKILL). */
  kill(): Promise<void>;
  /** Freezes or thaws every process of it, silently: its peers' hold timers run out. */
  freeze(frozen: boolean): void;
  /** Every IPv4 and IPv6 unicast path learned from peers, best or not. ExaBGP, which keeps no RIB, tells what it was sent. */
  routes(): Promise<readonly ForeignRoute[]>;
  /** All that it tells of the paths to a prefix, in its own words. */
  detail(prefix: string): Promise<string>;
  /** RFC 4271's name of the state of the session: "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established". */
  peerState(address: string): Promise<string>;
  /** True when that peer has sent its End-of-RIB; undefined where the daemon does not tell. */
  endOfRibReceived(address: string): Promise<boolean | undefined>;
  announce(prefix: string): Promise<void>;
  withdraw(prefix: string): Promise<void>;
  /** Ends the session with that peer with Cease, Administrative Shutdown (RFC 9003), and lets none come up until `enable`. */
  disable(address: string, message: string): Promise<void>;
  enable(address: string): Promise<void>;
  /** Asks that peer for its routes again (RFC 2918). */
  refresh(address: string): Promise<void>;
  /** Has another TCP-MD5 password for that peer from now on, as an operator of it would give it one while it runs. */
  setPassword(address: string, password: string): Promise<void>;
  /** What it tells of the end of the last session with that peer, in its own words. */
  lastDown(address: string): Promise<string>;
  log(): string;
}
