import type { CommandShape, OptionShape, ValueKind } from './command-shape.js';

/** Completion for fish, with descriptions. */
export function fishScript(shapes: readonly CommandShape[]): string {
  const known = shapes.flatMap(({ path, commands }) =>
    commands.map(({ name }) => `${path} ${name}`.trim()),
  );
  return `# Completion of millrace for fish. Load it: ./millrace completion fish | source
function __millrace_at --description 'True when the words so far lead to this command'
    set -l at ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        set -l next (string trim -- "$at $word")
        if contains -- "$next" ${known.map(quote).join(' ')}
            set at "$next"
        end
    end
    test "$at" = "$argv[1]"
end
function __millrace_names --description 'What the server knows'
    set -l words (commandline -opc)
    $words[1] complete-names $argv[1] 2>/dev/null
end
complete -c millrace -f
${shapes.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, commands, options, places }: CommandShape): string[] {
  const at = `complete -c millrace -n ${quote(`__millrace_at ${quote(path)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${at} -a ${quote(name)} -d ${quote(description)}`),
    ...options.map((option) => `${at} ${optionWords(option)}`),
    ...places.flatMap((kind) => (kind.kind === 'any' ? [] : [`${at} ${valueWords(kind)}`])),
  ];
}

function optionWords({ names, description, value }: OptionShape): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const taken = value
    ? [value.kind === 'file' ? '-r' : '-x', valueWords(value)].filter(Boolean)
    : [];
  return [...flags, ...taken, `-d ${quote(description)}`].join(' ');
}

function valueWords(value: ValueKind): string {
  switch (value.kind) {
    case 'words':
      return `-a ${quote(value.words.join(' '))}`;
    case 'file':
      return '-F';
    case 'source':
      return `-F -a ${quote('(__millrace_names pipeline)')}`;
    case 'any':
      return '';
    case 'pipeline':
    case 'execution':
    case 'repository':
    case 'delivery':
    case 'account':
      return `-a ${quote(`(__millrace_names ${value.kind})`)}`;
  }
}

/** A text as one word of fish, where a backslash is special inside quotes. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
