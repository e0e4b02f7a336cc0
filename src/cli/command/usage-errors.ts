import type { Command, CommanderError } from 'commander';
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
    });
  for (const each of command.commands) tellUsageErrors(each);
}

/** Others are no mistakes: help and version were asked for, or nothing at all. */
function isUsageError({ code, exitCode }: CommanderError): boolean {
  return exitCode !== 0 && code !== 'commander.help';
}

function usageError(command: Command, error: CommanderError): CommandError {
  const misspelt = misspeltCommand(command, error);
  if (misspelt !== undefined) return unknownCommand(command.parent ?? command, misspelt);
  const near = NEAR.exec(error.message);
  const message = sentence(error.message.slice(0, near?.index).replace(/^error: /, ''));
  return new CommandError(message, exitCodes.usage, [...(near?.slice(1) ?? []), helpOf(command)]);
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
  return new CommandError(`Unknown command '${word}' of '${group.name()}'.`, exitCodes.usage, [
    ...(near === undefined ? showOf(group, word, names) : [`Did you mean ${near}?`]),
    helpOf(group),
  ]);
}

/** People name a thing where the name of a command belongs. */
function showOf(group: Command, word: string, names: readonly string[]): readonly string[] {
  if (!names.includes('show') || !/^[\w./-]+$/.test(word)) return [];
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
