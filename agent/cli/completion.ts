import { SedgeError } from '../base/errors.ts';
import { commonFlags, type Verb } from './verb.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/** A completion script for one shell, made from the catalogue of verbs. */
export function completionScript(shell: string, verbs: readonly Verb[]): string {
  if (shell === 'bash') return bash(verbs);
  if (shell === 'zsh') return `#compdef sedge\nautoload -U +X bashcompinit && bashcompinit\n${bash(verbs)}`;
  if (shell === 'fish') return fish(verbs);
  throw new SedgeError(
    'SEDGE_CLI_USAGE',
    `sedge completion: ${JSON.stringify(shell)} is not one of ${shells.join(', ')}`,
  );
}

function wordsOf(verb: Verb): string {
  return [...(verb.subverbs ?? []), ...[...commonFlags, ...verb.flags].map((flag) => `--${flag.name}`)].join(
    ' ',
  );
}

function bash(verbs: readonly Verb[]): string {
  const cases = verbs.map((verb) => `    ${verb.name}) words="${wordsOf(verb)}" ;;`).join('\n');
  return `_sedge() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "$previous" in --config|--data|--output) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${verbs.map((verb) => verb.name).join(' ')}"
  else case "\${COMP_WORDS[1]}" in
${cases}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _sedge sedge
`;
}

function fish(verbs: readonly Verb[]): string {
  const lines = ['complete -c sedge -f'];
  for (const verb of verbs) {
    lines.push(`complete -c sedge -n __fish_use_subcommand -a ${verb.name} -d ${quote(verb.summary)}`);
    const here = `-n '__fish_seen_subcommand_from ${verb.name}'`;
    for (const word of verb.subverbs ?? []) lines.push(`complete -c sedge ${here} -a ${word}`);
    for (const flag of [...commonFlags, ...verb.flags]) {
      lines.push(
        `complete -c sedge ${here} -l ${flag.name}${flag.value === undefined ? '' : ' -r -F'} -d ${quote(flag.summary)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}
