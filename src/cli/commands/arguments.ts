/** What commands receive from the command line; see index.ts for the convention. */

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** `margay node` */
export interface NodeArguments {
  /** Path of the node's YAML file. */
  readonly config: string;
  /** Remove our kernel routes when the daemon stops. */
  readonly cleanup: boolean;
  /** Path of the file that the speaker's inputs are recorded in; undefined: none. */
  readonly record?: string | undefined;
  /** Undefined: what the configuration says. */
  readonly logLevel?: LogLevel | undefined;
}

/** `margay felix` */
export type FelixArguments = Omit<NodeArguments, "record">;

/** `margay speaker` */
export interface SpeakerArguments {
  /** Path of the YAML file of a speaker, or of a node. */
  readonly config: string;
  /** Path of the file that the speaker's inputs are recorded in; undefined: none. */
  readonly record?: string | undefined;
  /** Undefined: what the configuration says. */
  readonly logLevel?: LogLevel | undefined;
}

/** `margay reflector`. Addresses are text as typed: the command checks them and answers mistakes with exit code 2. */
export interface ReflectorArguments {
  /** `ADDRESS:PORT`, an IPv6 address in brackets. */
  readonly listen: string;
  readonly asn: number;
  readonly routerId: string;
  /** Undefined: the router ID. */
  readonly clusterId?: string | undefined;
  /** Nothing is reflected from client to client. */
  readonly clientsMeshed: boolean;
  /** At least one CIDR. */
  readonly accept: readonly string[];
  /** `ADDRESS` or `ADDRESS:PORT` of other reflectors. */
  readonly peer: readonly string[];
  /** Seconds, 0 to 3600. */
  readonly endOfRibDefer: number;
  /** Mebibytes, 1 to 4096. */
  readonly maximumLag: number;
  /** Path of the file that clients are remembered in; undefined: none. */
  readonly clientsFile?: string | undefined;
  /** Where the API listens; undefined: nowhere. */
  readonly socket?: string | undefined;
  /** Where metrics are served, `ADDRESS:PORT`; undefined: nowhere. */
  readonly metrics?: string | undefined;
  /** Seconds: 0 or at least 3. */
  readonly holdTime: number;
  /** Path of the file that the speaker's inputs are recorded in; undefined: none. */
  readonly record?: string | undefined;
  readonly logLevel: LogLevel;
}

/** `margay plan` */
export interface PlanArguments extends Pick<ClientArguments, "socket" | "timeout"> {
  /** Path of the node's YAML file. */
  readonly config: string;
  /** Ask no daemon. */
  readonly offline: boolean;
}

/** `margay config check FILE | show FILE | schema` */
export interface ConfigArguments {
  readonly action: "check" | "show" | "schema";
  /** Present for `check` and `show`. */
  readonly file?: string | undefined;
}

/** Options of every command that talks to a daemon. */
export interface ClientArguments {
  /** Path of the daemon's unix socket. */
  readonly socket?: string | undefined;
  /** `unix:PATH` or `ws://127.0.0.1:PORT`; wins over `socket`. */
  readonly host?: string | undefined;
  readonly output: "table" | "wide" | "json";
  readonly noHeaders: boolean;
  /** Seconds to wait for the daemon. */
  readonly timeout: number;
}

/** `margay status` */
export interface StatusArguments extends ClientArguments {
  readonly check: boolean;
}

/** `margay peers` */
export interface PeersArguments extends ClientArguments {
  readonly watch: boolean;
}

/** `margay peer ADDRESS [ACTION]` */
export interface PeerArguments extends ClientArguments {
  readonly address: string;
  readonly action?: "disable" | "enable" | "reset" | "soft-in" | "soft-out" | undefined;
  readonly message?: string | undefined;
}

/** `margay explain ADDRESS` */
export interface AddressArguments extends ClientArguments {
  readonly address: string;
}

/** `margay routes [PREFIX]`, `margay fib [PREFIX]` */
export interface PrefixArguments extends ClientArguments {
  readonly prefix?: string | undefined;
  readonly longer: boolean;
  readonly exact: boolean;
  readonly watch: boolean;
}

/** `margay watch [KIND...]` */
export interface WatchArguments extends ClientArguments {
  readonly kinds?: readonly ("peers" | "routes" | "fib" | "config")[] | undefined;
}

/** `margay completion SHELL` */
export interface CompletionArguments {
  readonly shell: "bash" | "zsh" | "fish";
}

/** `margay decode [FILE]` */
export interface DecodeArguments {
  /** Undefined or `-`: stdin. */
  readonly file?: string | undefined;
  /** AS numbers take two octets. */
  readonly noAs4: boolean;
  readonly addpath: boolean;
}

/** `margay replay FILE` */
export interface ReplayArguments extends Pick<ClientArguments, "output" | "noHeaders"> {
  readonly file: string;
  /** Seconds from the start; undefined: all of it. */
  readonly until?: number | undefined;
  /** From 1; undefined: the last. */
  readonly run?: number | undefined;
}
