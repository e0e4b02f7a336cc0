import type { Readable } from 'node:stream';
import type { ProcessExit } from '../process-runner.js';

/**
 * Descriptor on which the entering shell tells why it could not continue; no program of a step ever
 * has it.
 */
export const ENTRY_REPORT_FD = 3;
/** Characters; a code such as ENOENT is all that is ever written. */
const LONGEST_REPORT = 64;
/** From the end of the process to the end of what it wrote, ms: it is in the pipe by then. */
const LATE_REPORT_MS = 500;

/**
 * `$1` is the directory, the rest the command. The shell that runs it is the step user already:
 * libuv enters the `cwd` of a spawn before it changes the user, so a link in place of the directory
 * would be followed with root's rights.
 */
const ENTER = `dir=$1
shift
if ! cd -P -- "$dir" 2>/dev/null; then
  if [ -d "$dir" ]; then echo EACCES; elif [ -e "$dir" ]; then echo ENOTDIR; else echo ENOENT; fi >&3
  exit 126
fi
unset dir PWD OLDPWD
if ! command -v -- "$1" >/dev/null; then
  echo NOPROGRAM >&3
  exit 127
fi
exec "$@" 3>&-`;

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The command that enters the directory (absolute, or relative to its own) and becomes `command`,
 * as one process.
 */
export function enterDirectory(directory: string, { command, args }: Command): Command {
  // With a slash in front neither CDPATH nor the meaning of `cd -` is asked for.
  const place = directory.startsWith('/') ? directory : `./${directory}`;
  return { command: '/bin/sh', args: ['-c', ENTER, 'sh', place, command, ...args] };
}

/**
 * What the entering shell wrote, once it became the command or ended; undefined when all went well.
 * `ended` says that the process is over: who took the descriptor from the shell (pidfd_getfd,
 * SCM_RIGHTS) and keeps it does not keep the end of the step.
 */
export async function readEntryReport(
  report: Readable,
  directory: string,
  command: string,
  ended: Promise<unknown>,
): Promise<ProcessExit | undefined> {
  let text = '';
  void ended.then(() => setTimeout(() => report.destroy(), LATE_REPORT_MS).unref());
  try {
    for await (const chunk of report) {
      text += String(chunk);
      // Whoever took the descriptor from the shell (pidfd_getfd) may write what he likes.
      if (text.length > LONGEST_REPORT) break;
    }
  } catch {
    // The process was killed, or another has the descriptor: its exit tells how.
    return undefined;
  }
  const code = text.trim();
  if (code === '') return undefined;
  if (code === 'NOPROGRAM') {
    const message = `${command} was not found, or may not be run`;
    return { kind: 'not_started', code: 'ENOENT', message };
  }
  return {
    kind: 'not_started',
    code,
    message: `the directory ${directory} cannot be entered (${code})`,
    directory,
  };
}
