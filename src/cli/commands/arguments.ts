/** What the commands that run outside the API client receive from the command line; see index.ts for the convention. */

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** `margay node` */
export interface NodeArguments {
  /** Path of the node's YAML file. */
  readonly config: string;
  /** Remove our kernel routes when the daemon stops. */
  readonly cleanup: boolean;
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
  /** At least one CIDR. */
  readonly accept: readonly string[];
  /** Where the API listens; undefined: nowhere. */
  readonly socket?: string | undefined;
  /** Seconds: 0 or at least 3. */
  readonly holdTime: number;
  readonly logLevel: LogLevel;
}

/** `margay cleanup` */
export interface CleanupArguments {
  /** Kernel routing protocol number of the routes to remove, 1..255. */
  readonly protocol: number;
  readonly dryRun: boolean;
}

/** `margay config check FILE | show FILE | schema` */
export interface ConfigArguments {
  readonly action: "check" | "show" | "schema";
  /** Present for `check` and `show`. */
  readonly file?: string | undefined;
}
