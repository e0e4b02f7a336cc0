import type { Argument, Command, Option } from 'commander';

/** What a server is asked the names of. */
export const NAME_KINDS = ['pipeline', 'execution', 'repository', 'delivery', 'account'] as const;

export type NameKind = (typeof NAME_KINDS)[number];

const FILE_NAMES: readonly string[] = ['file', 'files', 'folder', 'path...'];

/**
 * What may stand in a place: names that a server knows, files, either (`source`), one of some
 * words, or anything.
 */
export type ValueKind =
  | { readonly kind: NameKind | 'source' | 'file' | 'any' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

export interface OptionShape {
  /** `-f` and `--follow`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Absent when it takes none. */
  readonly value?: ValueKind;
}

/** One command as completion sees it. */
export interface CommandShape {
  /** Words from the program to it, separated by one space; empty for the program. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionShape[];
  readonly places: readonly ValueKind[];
  /** The last place may be filled again and again. */
  readonly variadic: boolean;
}

/** Every command of a program, from what it parses by, so that completion knows the same ones. */
export function commandShapesOf(program: Command, path = ''): CommandShape[] {
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .filter((each) => each.name() !== 'help');
  const shape: CommandShape = {
    path,
    commands: commands.map((each) => ({ name: each.name(), description: each.description() })),
    options: [program, ...defaultCommand(program)].flatMap(optionsOf).filter(isFirstOfItsName),
    places: program.registeredArguments.map(kindOfArgument),
    variadic: program.registeredArguments.at(-1)?.variadic ?? false,
  };
  const below = commands.flatMap((each) => commandShapesOf(each, `${path} ${each.name()}`.trim()));
  return [shape, ...below];
}

/** The command `list` runs where none is named: its options may follow at once. */
function defaultCommand(program: Command): Command[] {
  return program.parent ? program.commands.filter((each) => each.name() === 'list') : [];
}

function optionsOf(command: Command): OptionShape[] {
  return command.createHelp().visibleOptions(command).map(optionShape);
}

function optionShape(option: Option): OptionShape {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const { description } = option;
  if (!option.required && !option.optional) return { names, description };
  return { names, description, value: kindOf(option.argChoices, valueName(option)) };
}

function isFirstOfItsName(
  option: OptionShape,
  index: number,
  all: readonly OptionShape[],
): boolean {
  return all.findIndex(({ names }) => names.at(-1) === option.names.at(-1)) === index;
}

function kindOfArgument(argument: Argument): ValueKind {
  return kindOf(argument.argChoices, argument.name());
}

function kindOf(choices: readonly string[] | undefined, name: string): ValueKind {
  if (choices) return { kind: 'words', words: choices };
  const known = NAME_KINDS.find((kind) => kind === name);
  if (known !== undefined) return { kind: known };
  if (name === 'file|pipeline') return { kind: 'source' };
  return { kind: FILE_NAMES.includes(name) ? 'file' : 'any' };
}

/** `file` of `--write <file>`: what it is called says what may stand there. */
function valueName({ flags }: Option): string {
  return /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? '';
}
