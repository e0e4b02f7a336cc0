import { type CommandShape, NAME_KINDS } from './command-shape.js';
import { choice, shellQuote, type ShellWords, wordStep } from './script-cases.js';

const bash: ShellWords = {
  choose: (words) => `kind=words words=${shellQuote(words.map(({ name }) => name).join(' '))}`,
};

/**
 * Completion for bash 4 and newer; for `./millrace` too: bash looks for what follows the last
 * slash.
 */
export function bashScript(shapes: readonly CommandShape[]): string {
  return `# Completion of millrace for bash. Load it: source <(./millrace completion bash)
_millrace() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' place=0 value=0 last='' words='' kind='' word i
  COMPREPLY=()
  if [[ $cur == '=' ]]; then cur=''; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then continue; fi
${wordStep(shapes)}
  done
${choice(shapes, bash)}
  case $kind in
    words) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    file) compopt -o default 2>/dev/null ;;
    ${NAME_KINDS.join(' | ')})
      while IFS=$'\\t' read -r word _; do
        if [[ $word == "$cur"* ]]; then COMPREPLY+=("$(printf %q "$word")"); fi
      done < <("\${COMP_WORDS[0]/#\\~/$HOME}" complete-names "$kind" 2>/dev/null)
      ;;
    source)
      # With this option readline quotes, so words go in and come out without quotes.
      compopt -o filenames 2>/dev/null
      cur=\${cur//\\\\/} cur=\${cur#[\\"\\']}
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
      while IFS=$'\\t' read -r word _; do
        if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
      done < <("\${COMP_WORDS[0]/#\\~/$HOME}" complete-names pipeline 2>/dev/null)
      ;;
  esac
}
complete -F _millrace millrace
`;
}
