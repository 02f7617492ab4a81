/** Exit codes of `margay`, stable: scripts rely on them. docs/ERRORS.md explains each. */
export const ExitCode = {
  ok: 0,
  /** The operation failed, or a check found something unhealthy. */
  failed: 1,
  /** The command line or a configuration file is wrong. */
  usage: 2,
  notFound: 3,
  /** No daemon answers. */
  unreachable: 4,
  /** The daemon, or the permissions of its socket, refused. */
  refused: 5,
  timeout: 6,
  /** 128 + SIGINT */
  interrupted: 130,
} as const;
