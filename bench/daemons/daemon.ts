/** Where a daemon is to be started, and what it is to be. */
export interface Place {
  /** It listens here, and this is its BGP identifier and cluster id. */
  readonly address: string;
  readonly port: number;
  /** Its AS number, and all its clients'. */
  readonly asn: number;
  /** Everybody in this network is a passive iBGP route-reflector client. */
  readonly clients: string;
  /** A directory of its own, for configuration, sockets and log. */
  readonly directory: string;
}

/** How long the turns of a daemon's event loop took since it started, milliseconds. */
export interface Turns {
  readonly p99Ms: number;
  readonly maximumMs: number;
}

/** A daemon that can be measured: a passive route reflector that installs no routes into the kernel. */
export interface Contender {
  /** For options, file names and results: `frr-tuned`. */
  readonly key: string;
  /** For people: `FRR, tuned`. */
  readonly name: string;
  /** How long it puts off its first words to new peers although there is nothing to say; 0 unless told. */
  readonly greetingSeconds?: number;
  /** Is it of interest in this family of scenarios? In all, without. */
  isMeasuredIn?(family: string): boolean;
  /** Which one is installed, or undefined if none is. */
  version(): Promise<string | undefined>;
  /** Writes what it needs to be configured, and returns the command that runs it in the foreground. */
  prepare(place: Place): Promise<readonly string[]>;
  /** What the one that runs there says of its turns, if it is one that counts them. */
  turns?(place: Place): Promise<Turns>;
}
