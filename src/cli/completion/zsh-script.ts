import { type CommandShape, NAME_KINDS } from './command-shape.js';
import { choice, shellQuote, type ShellWords, wordStep } from './script-cases.js';

/** `_describe` parts word and description at the first colon that is not escaped. */
const zsh: ShellWords = {
  choose: (words) => {
    const described = words.map(({ name, description }) =>
      shellQuote(`${name.replaceAll(':', '\\:')}${description === '' ? '' : `:${description}`}`),
    );
    return `kind=words choices=(${described.join(' ')})`;
  },
};

/** Completion for zsh, with descriptions. */
export function zshScript(shapes: readonly CommandShape[]): string {
  return `#compdef millrace
# Completion of millrace for zsh. Load it after compinit: source <(./millrace completion zsh)
_millrace() {
  local cur=\${words[CURRENT]} at='' word='' last='' kind=''
  local -i i place=0 value=0
  local -a choices
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
${wordStep(shapes)}
  done
${choice(shapes, zsh)}
  case $kind in
    words) _describe -t values value choices ;;
    file) _files ;;
    ${NAME_KINDS.join(' | ')} | source)
      choices=("\${(@f)$(\${(Q)words[1]/#\\~/$HOME} complete-names \${kind/source/pipeline} 2>/dev/null)}")
      choices=("\${(@)choices%%$'\\t'*}")
      compadd -a choices
      if [[ $kind == source ]]; then _files; fi
      ;;
  esac
}
compdef _millrace millrace
`;
}
