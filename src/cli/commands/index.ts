/**
 * THE table of commands. A verb is one row here and one file `./<verb>.ts` beside it, which exports
 *
 *     export async function run(args: NodeArguments): Promise<number>
 *
 * and returns the exit code (../exit-code.ts; docs/ERRORS.md). The row describes the options, so that `margay --help`
 * and completion load no command: the file of a verb is imported only when it runs. `run` writes data on stdout and
 * everything else on stderr, never calls `process.exit`, and returns only when its work is over: a daemon's `run` ends
 * after its signal handlers have stopped it. For a mistake of the user throw `UsageError` (../failure.ts), which
 * ends in one sentence on stderr and exit code 2; any other error ends in its message and exit code 1.
 */
