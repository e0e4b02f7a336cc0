import { SHELL_PROGRAMS, type ShellAction } from '../../../engine/steps/shell/shell-action.js';

const MAX_ARGUMENT_BYTES = 96 * 1024;

const SHELLS: Readonly<Record<ShellAction['shell'], readonly string[]>> = {
  sh: ['-e'],
  bash: ['-e', '-o', 'pipefail'],
};

/** The text that a shell is given for the commands of a step. */
export function scriptOf({ commands }: Pick<ShellAction, 'commands'>): string {
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
  return { command: SHELL_PROGRAMS[shell], args: shellArguments(shell, script, file) };
}

export function shellArguments(
  shell: ShellAction['shell'],
  script: string,
  file: string | undefined,
): readonly string[] {
  // Behind `--` nothing is an option, whatever it begins with.
  const source = file === undefined ? ['-c', '--', script] : ['--', file];
  return [...SHELLS[shell], ...source];
}

/**
 * Linux takes at most 128 KiB for one argument (MAX_ARG_STRLEN, execve(2)); longer scripts go
 * through a file.
 */
export function needsFile(script: string): boolean {
  return Buffer.byteLength(script) > MAX_ARGUMENT_BYTES;
}
