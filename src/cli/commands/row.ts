import type { ArgumentsCamelCase, Argv } from "yargs";

/** What a file of a verb exports. */
interface CommandModule<A> {
  run(args: ArgumentsCamelCase<A>): Promise<number>;
}

interface CommandSpec<A> {
  /** `peer <address>`, as yargs reads it. */
  readonly usage: string;
  readonly describe: string;
  /** Command lines without "margay", each with what it does. */
  readonly examples: readonly (readonly [commandLine: string, explanation: string])[];
  readonly options: (parser: Argv) => Argv<A>;
  /** Imports the verb's file. */
  readonly load: () => Promise<CommandModule<NoInfer<A>>>;
}

/** A row of the table of commands. */
export interface CommandRow {
  /** `peer` */
  readonly verb: string;
  /** `peer <address>` */
  readonly usage: string;
  /** Adds the command; `done` gets the exit code when it has run. */
  readonly register: (parser: Argv, done: (exitCode: number) => void) => void;
}

/** Makes a row; the options must give what `run` takes, or this does not compile. */
export function command<A>(spec: CommandSpec<A>): CommandRow {
  const verb = spec.usage.split(" ")[0] as string;
  return {
    verb,
    usage: spec.usage,
    register(parser, done) {
      const build = (own: Argv): Argv<A> => {
        for (const [line, explanation] of spec.examples) own.example(`$0 ${line}`, explanation);
        return spec.options(own.usage(`$0 ${spec.usage}\n\n${spec.describe}`));
      };
      parser.command<A>(spec.usage, spec.describe, build, async (args) => {
        const module = await spec.load();
        done(await module.run(args));
      });
    },
  };
}
