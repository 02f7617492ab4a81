import { isatty } from "node:tty";
import pino, { type DestinationStream } from "pino";
import { LineStream } from "./line-stream.ts";
import type { Logger } from "./logger.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

export interface LoggerOptions {
  /** The least that is logged. */
  readonly level: LogLevel;
  /** Fields of every line, such as the node's name. */
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** File descriptor: 2, the default, is stderr; daemons keep 1 for data. */
  readonly fd?: number;
  /** Lines for people instead of JSON. Default: when the descriptor is a terminal. */
  readonly pretty?: boolean;
}

/** A logger and what its owner may do with it. */
export interface LogControl {
  readonly logger: Logger;
  readonly level: LogLevel;
  /** Takes effect at once, in every child, too. */
  setLevel(level: LogLevel): void;
  /** Settles when what was logged so far is with the kernel. Await it last. */
  flush(): Promise<void>;
}

/** Secrets by name, at the top of a line's fields and one level down. */
const secretNames = ["password", "authPassword", "md5", "token", "secret", "authorization"];
const redact = {
  paths: secretNames.flatMap((name) => [name, `*.${name}`]),
  censor: "***",
};

/**
 * The program's logger: JSON, one object per line, or readable lines on a terminal. Written in this thread without worker
 * transports, so that nothing is lost at the end and nothing has to be found when the program is bundled.
 */
export async function createLogger(options: LoggerOptions): Promise<LogControl> {
  const fd = options.fd ?? 2;
  const lines = new LineStream(fd);
  const stream = (options.pretty ?? isatty(fd)) ? await prettyStream(lines, isatty(fd)) : lines;
  const root = pino(
    {
      level: options.level,
      base: options.bindings ?? {},
      redact,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  let level = options.level;
  return {
    logger: root,
    get level() {
      return level;
    },
    setLevel(next) {
      level = next;
      // Children look their level up here, as long as they are not given one of their own.
      root.level = next;
    },
    flush: () => lines.flush(),
  };
}

/** Turns JSON into lines such as `[13:05:12.345] INFO: session established {"peer":"192.168.1.3"}`. */
async function prettyStream(lines: LineStream, terminal: boolean): Promise<DestinationStream> {
  // Loaded only for terminals: a daemon under a supervisor starts without it.
  const { prettyFactory } = await import("pino-pretty");
  const format = prettyFactory({
    colorize: terminal && process.env["NO_COLOR"] === undefined,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
  return { write: (line) => lines.write(format(line)) };
}
