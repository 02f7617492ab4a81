import { ExitCode } from "../exit-code.ts";
import { writeOut } from "../output.ts";
import type { CompletionArguments } from "./arguments.ts";

// The program itself answers what may come next: `margay --get-yargs-completions margay pe` prints `peer` and `peers`.
// SHELL decides whether it adds descriptions, and in which form.
const scripts = {
  bash: `# margay completion for bash: source <(margay completion bash)
_margay() {
  local words
  mapfile -t words < <(SHELL=bash margay --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "\${words[*]}" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _margay margay
`,
  zsh: `#compdef margay
# margay completion for zsh: source <(margay completion zsh)
_margay() {
  local -a reply
  reply=(\${(f)"$(SHELL=zsh margay --get-yargs-completions "\${words[@]:0:$CURRENT}" 2>/dev/null)"})
  if (( \${#reply} )); then _describe 'margay' reply; else _default; fi
}
compdef _margay margay
`,
  fish: `# margay completion for fish: margay completion fish | source
function _margay
  SHELL=fish margay --get-yargs-completions (commandline -opc) (commandline -ct) 2>/dev/null
end
complete -c margay -f -a '(_margay)'
`,
} as const;

/** `margay completion SHELL` */
export async function run(args: CompletionArguments): Promise<number> {
  await writeOut(scripts[args.shell]);
  return ExitCode.ok;
}
