import type { Command } from 'commander';

/** Of a description beside its term, columns: with less it would not be folded at all. */
const NARROWEST = 20;

/** Help of a command and of all below it, in lines of 80 columns or of the terminal. */
export function fitHelp(command: Command): void {
  command.configureHelp({
    minWidthToWrap: NARROWEST,
    // Nearly every command has options: to say so of each costs ten columns.
    subcommandTerm: (each) =>
      [
        each.name(),
        ...each.registeredArguments.map((argument) => {
          const name = argument.variadic ? `${argument.name()}...` : argument.name();
          return argument.required ? `<${name}>` : `[${name}]`;
        }),
      ].join(' '),
  });
  for (const each of command.commands) fitHelp(each);
}
