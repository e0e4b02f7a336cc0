import type { CommandShape, OptionShape, ValueKind } from './command-shape.js';

/** How a shell writes what may come next as one assignment. */
export interface ShellWords {
  /** `words`: name and description of each. */
  choose(words: readonly { readonly name: string; readonly description: string }[]): string;
}

/** A text as one word of bash and zsh. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What bash and zsh do alike with `$word`, one of those before the cursor. */
export function wordStep(shapes: readonly CommandShape[]): string {
  return `    if ((value)); then value=0; continue; fi
    case $word in
      -*) last=$word
        case "$at $word" in
          ${valueOptionPattern(shapes)}) value=1 ;;
        esac ;;
      *)
        case "$at $word" in
${commandCases(shapes)}
          *) place=$((place + 1)) ;;
        esac ;;
    esac`;
}

/** Sets `kind`, and the words of `kind=words`, for what may stand at the cursor. */
export function choice(shapes: readonly CommandShape[], shell: ShellWords): string {
  return `  if ((value)); then
    case "$at $last" in
${valueCases(shapes, shell)}
    esac
  elif [[ $cur == -* ]]; then
    case $at in
${optionCases(shapes, shell)}
    esac
  else
    case "$at:$place" in
${placeCases(shapes, shell)}
    esac
  fi`;
}

/** Branches of `case "$at $word"` for options that take a value. */
function valueOptionPattern(shapes: readonly CommandShape[]): string {
  return shapes
    .flatMap(valueOptions)
    .map(({ key }) => shellQuote(key))
    .join(' | ');
}

/** Branches of `case "$at $word"` that go down to a command. */
function commandCases(shapes: readonly CommandShape[]): string {
  const lines = shapes.flatMap(({ path, commands }) =>
    commands.map(({ name }) => {
      const to = shellQuote(`${path} ${name}`.trim());
      return `${shellQuote(`${path} ${name}`)}) at=${to} place=0 ;;`;
    }),
  );
  return indented(lines, 10);
}

/** Branches of `case "$at $last"`: what the value of an option may be. */
function valueCases(shapes: readonly CommandShape[], shell: ShellWords): string {
  const lines = shapes
    .flatMap(valueOptions)
    .map(({ key, value }) => `${shellQuote(key)}) ${kindOf(value, shell)} ;;`);
  return indented(lines, 6);
}

/** Branches of `case $at`, taken when an option begins. */
function optionCases(shapes: readonly CommandShape[], shell: ShellWords): string {
  const lines = shapes.map(({ path, options }) => {
    const words = options.flatMap(({ names, description }) =>
      names.map((name) => ({ name, description })),
    );
    return `${shellQuote(path)}) ${shell.choose(words)} ;;`;
  });
  return indented(lines, 6);
}

/** Branches of `case "$at:$place"`: what may stand where no option does. */
function placeCases(shapes: readonly CommandShape[], shell: ShellWords): string {
  const lines = shapes.flatMap(({ path, commands, places, variadic }) => {
    if (commands.length > 0) return [`${shellQuote(`${path}:0`)}) ${shell.choose(commands)} ;;`];
    return places.map((kind, place) => {
      const place_ = variadic && place === places.length - 1 ? '*' : String(place);
      return `${shellQuote(`${path}:`)}${place_}) ${kindOf(kind, shell)} ;;`;
    });
  });
  return indented(lines, 6);
}

function valueOptions({ path, options }: CommandShape): { key: string; value: ValueKind }[] {
  return options.flatMap(({ names, value }: OptionShape) =>
    value ? names.map((name) => ({ key: `${path} ${name}`, value })) : [],
  );
}

function kindOf(value: ValueKind, shell: ShellWords): string {
  if (value.kind !== 'words') return `kind=${value.kind}`;
  return shell.choose(value.words.map((name) => ({ name, description: '' })));
}

function indented(lines: readonly string[], spaces: number): string {
  return lines.map((line) => `${' '.repeat(spaces)}${line}`).join('\n');
}
