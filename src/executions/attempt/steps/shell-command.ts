import { SHELL_PROGRAMS, type ShellAction } from '../../../engine/steps/shell/shell-action.js';

const SHELLS: Readonly<Record<ShellAction['shell'], readonly string[]>> = {
  sh: ['-e'],
  bash: ['-e', '-o', 'pipefail'],
};

/** The text that a shell is given for the commands of a step. */
export function scriptOf({ commands }: ShellAction): string {
  return commands.join('\n');
}

/**
 * The program and arguments that run a script, which is in the file or goes by the command line.
 */
export function shellCommand(
  { shell }: ShellAction,
  script: string,
  file: string | undefined,
): { readonly command: string; readonly args: readonly string[] } {
  // Behind `--` nothing is an option, whatever it begins with.
  const source = file === undefined ? ['-c', '--', script] : ['--', file];
  return { command: SHELL_PROGRAMS[shell], args: [...SHELLS[shell], ...source] };
}
