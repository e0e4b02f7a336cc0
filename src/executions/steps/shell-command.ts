import { constants } from 'node:os';
import type { ShellAction } from '../../engine/plan/plan.js';

const SHELLS: Readonly<Record<ShellAction['shell'], readonly string[]>> = {
  sh: ['/bin/sh', '-e'],
  bash: ['/bin/bash', '-e', '-o', 'pipefail'],
};

/** Real-time signals that a program can handle: SIGRTMIN to SIGRTMAX of glibc; see signal(7). */
const REAL_TIME_SIGNALS = Array.from({ length: 31 }, (_, index) => 34 + index);

/**
 * Node tells the end of a child by a signal that it has no name for as exit code 0, so a shell that a real-time signal ends
 * must end by itself, with 128 + n. On the first line of the script, so that its lines keep their numbers. It also sees
 * to it that a script is no option, whatever it begins with.
 */
const PRELUDE = REAL_TIME_SIGNALS.map((signal) => `trap 'exit ${128 + signal}' ${signal};`).join(
  '',
);

/**
 * A script that may put another program in the place of its shell, or reads other text. Words in other places count too:
 * that costs a process, and nothing else.
 */
const MAY_REPLACE_ITS_SHELL =
  /(?:^|[\s;&|(){}`"'$])(?:exec|eval|source)(?=[\s"';]|$)|(?:^|[;&|({`]|\b(?:then|do|else)\s)\s*\.\s/m;

/** A shell that waits for the shell, whose status is then told by one that no signal of the step's ended. */
const WAITING_SHELL = ['/bin/sh', '-c', `trap : HUP INT QUIT TERM USR1 USR2\n"$@"\nexit $?`, 'sh'];

/** The text that a shell is given for the commands of a step. */
export function scriptOf({ commands }: ShellAction): string {
  return `${PRELUDE} ${commands.join('\n')}`;
}

/** The program and arguments that run a script, which is in the file or goes by the command line. */
export function shellCommand(
  { shell }: ShellAction,
  script: string,
  file: string | undefined,
): { readonly command: string; readonly args: readonly string[] } {
  const waiting = MAY_REPLACE_ITS_SHELL.test(script) ? WAITING_SHELL : [];
  const words = [...waiting, ...SHELLS[shell], ...(file === undefined ? ['-c', script] : [file])];
  const [command = '', ...args] = words;
  return { command, args };
}

/** What a shell tells of a child that the signal ended. Undefined for a name that this system does not know. */
export function exitCodeOfSignal(signal: string): number | undefined {
  const number = new Map(Object.entries(constants.signals)).get(signal);
  return number === undefined ? undefined : 128 + number;
}
