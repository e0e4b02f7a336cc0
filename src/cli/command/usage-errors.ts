import type { Command, CommanderError } from 'commander';
import { cutText } from '../../common/values/cut-text.js';
import { nearestName } from '../../engine/expression/nearest-name.js';
import { CommandError } from './command.error.js';
import { exitCodes } from './exit-codes.js';

/**
 * Mistakes in the command line become errors like all others: what is wrong, what is near to it,
 * and where the help is, not the help itself. For a program that has all of its commands.
 */
export function tellUsageErrors(command: Command): void {
  command
    // What commander would print before it is said here.
    .configureOutput({ outputError: () => undefined })
    .exitOverride((error) => {
      throw isUsageError(error) ? usageError(command, error) : error;
    })
    // Commander shows the help of the group where a word before `--help` is none of its commands.
    .on('beforeHelp', () => refuseHelpOfUnknown(command));
  for (const each of command.commands) tellUsageErrors(each);
}

/** Others are no mistakes: help and version were asked for, or nothing at all. */
function isUsageError({ code, exitCode }: CommanderError): boolean {
  return exitCode !== 0 && code !== 'commander.help';
}

/** @throws CommandError for `millrace foo --help` and `millrace help foo` */
function refuseHelpOfUnknown(group: Command): void {
  if (group.commands.length === 0) return;
  const [first = '', second = ''] = group.args;
  const word = first === 'help' ? second : first;
  if (word === '' || word.startsWith('-')) return;
  if (group.commands.some((each) => each.name() === word)) return;
  throw unknownCommand(group, word);
}

function usageError(command: Command, error: CommanderError): CommandError {
  const misspelt = misspeltCommand(command, error);
  if (misspelt !== undefined) return unknownCommand(command.parent ?? command, misspelt);
  const near = NEAR.exec(error.message);
  const whole = error.message.slice(0, near?.index).replace(/^error: /, '');
  const message = sentence(shortChoices(shortValue(whole)));
  return new CommandError(message, exitCodes.usage, [...(near?.slice(1) ?? []), helpOf(command)]);
}

/** Of what was typed, and of all choices, characters: the message has two lines of 80 columns. */
const VALUE_LENGTH = 30;
const CHOICES_LENGTH = 60;

/** What stands behind `=` may be a token; a long value is cut. */
function shortValue(message: string): string {
  return message
    .replace(/^(unknown option '[^'=]*)=.*'$/s, "$1'")
    .replace(
      /^(unknown (?:option|command) '|.* argument ')(.*?)('(?: is invalid\..*)?)$/s,
      (_whole, before: string, value: string, after: string) =>
        `${before}${cutText(value, VALUE_LENGTH)}${after}`,
    );
}

/** The choices of an option are all in the help. */
function shortChoices(message: string): string {
  return message.replace(
    /(Allowed choices are )(.*)\.$/s,
    (whole, before: string, choices: string) =>
      choices.length <= CHOICES_LENGTH
        ? whole
        : `${before}${choices.slice(0, choices.lastIndexOf(', ', CHOICES_LENGTH))}, ….`,
  );
}

/** How commander ends a message with what is near. */
const NEAR = /\n\((Did you mean [^\n]*)\)$/;

/**
 * The word behind a group that is none of its commands. To commander it is an argument of the
 * command that stands for the group (`list`).
 */
function misspeltCommand({ parent, args }: Command, { code }: CommanderError): string | undefined {
  if (code !== 'commander.excessArguments') return undefined;
  const [word] = args;
  return parent?.parent && parent.args[0] === word ? word : undefined;
}

function unknownCommand(group: Command, word: string): CommandError {
  const names = group
    .createHelp()
    .visibleCommands(group)
    .map((each) => each.name());
  const near = nearestName(word, names);
  const of = group.parent ? ` of '${group.name()}'` : '';
  const shown = cutText(word, VALUE_LENGTH);
  return new CommandError(`Unknown command '${shown}'${of}.`, exitCodes.usage, [
    ...(near === undefined ? showOf(group, word, names) : [`Did you mean ${near}?`]),
    helpOf(group),
  ]);
}

/** People name a thing where the name of a command belongs. */
function showOf(group: Command, word: string, names: readonly string[]): readonly string[] {
  if (!names.includes('show') || !/^[\w./-]{1,40}$/.test(word)) return [];
  return [`To see ${word}: ./millrace ${group.name()} show ${word}`];
}

function helpOf(command: Command): string {
  const path: string[] = [];
  // The program itself is the file that is run.
  for (let each = command; each.parent; each = each.parent) path.unshift(each.name());
  return `See ${['./millrace', ...path, '--help'].join(' ')}`;
}

function sentence(text: string): string {
  const first = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.?!]$/.test(first) ? first : `${first}.`;
}
