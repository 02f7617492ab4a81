import { nearestWord } from "./suggestion.ts";

/** What yargs knew when it gave up. */
export interface UsageMistake {
  /** Its message, in English. */
  readonly message: string;
  readonly verbs: readonly string[];
  /** Long options of the command at hand, without dashes. */
  readonly options: readonly string[];
  /** Names of its positional arguments. */
  readonly positionals: readonly string[];
  readonly argv: readonly string[];
}

/** One sentence in our words, with what was probably meant. */
export function usageMessage(mistake: UsageMistake): string {
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(mistake.message)?.[1];
  if (unknown !== undefined) return unknownSentence(unknown.split(", ")[0] as string, mistake);
  const choice = /Argument: ([^,]+), Given: (.+), Choices: (.+)$/s.exec(mistake.message);
  if (choice !== null) {
    const [, name, given, choices] = choice;
    return `${argumentName(name as string, mistake)} takes ${choices?.replaceAll('"', "")}, not ${given}.`;
  }
  if (mistake.message.startsWith("Not enough non-option arguments"))
    return "An argument is missing.";
  const missing = /^Missing required arguments?: (.*)$/.exec(mistake.message)?.[1];
  if (missing !== undefined) {
    return `Missing: ${missing
      .split(", ")
      .map((name) => `--${name}`)
      .join(", ")}.`;
  }
  const bare = /^Not enough arguments following: (.*)$/.exec(mistake.message)?.[1];
  return bare === undefined ? mistake.message : `--${bare} takes a value.`;
}

function unknownSentence(word: string, mistake: UsageMistake): string {
  const dashes = word.length === 1 ? "-" : "--";
  const isOption = mistake.argv.some(
    (given) => given.split("=")[0] === dashes + word || isCluster(given, word),
  );
  if (isOption) {
    const nearest = nearestWord(word, mistake.options);
    return `There is no option ${dashes}${word}${nearest === undefined ? "." : `; did you mean --${nearest}?`}`;
  }
  if (mistake.argv.find((given) => !given.startsWith("-")) === word) {
    const nearest = nearestWord(word, mistake.verbs);
    return `There is no command "${word}"${nearest === undefined ? "." : `; did you mean "${nearest}"?`}`;
  }
  return `"${word}" is one argument too many.`;
}

/** `-xw` holds the short options x and w. */
function isCluster(given: string, letter: string): boolean {
  return letter.length === 1 && /^-[^-]/.test(given) && given.includes(letter);
}

function argumentName(name: string, { positionals }: UsageMistake): string {
  return positionals.includes(name) ? name : `--${name}`;
}
