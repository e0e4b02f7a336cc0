import { constants } from 'node:os';

/**
 * Exit codes of every command (docs/cli.md). `timedOut` is that of timeout(1), `interrupted` that
 * of a shell whose command was ended by Ctrl-C.
 */
export const exitCodes = {
  success: 0,
  /** The run failed, a file has errors, or the state of things did not allow what was asked. */
  failed: 1,
  /** The command line, a file or a value is wrong. */
  usage: 2,
  /**
   * The server cannot be reached, cannot serve now, or is of a release that knows no such request.
   */
  unreachable: 3,
  /** No token, a wrong one, or not allowed. */
  auth: 4,
  notFound: 5,
  /** The run was cancelled, by somebody else than this command. */
  cancelled: 6,
  /** The run passed its time limit. */
  timedOut: 124,
  /** Ctrl-C here. */
  interrupted: 130,
} as const;

/** What a shell says of a command that a signal ended: 128 and the number of the signal. */
export function exitCodeOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name];
}

/** For `--help`. */
export const EXIT_CODE_HELP = `Exit codes: 0 success; 1 the run failed or a file has errors; 2 usage or bad
input; 3 the server is away; 4 no or a wrong token; 5 not found; 6 the run was
cancelled; 124 the run timed out; 129, 130, 143 hung up, Ctrl-C, TERM.`;

/**
 * What a command that waits for a run says with its exit code. `status` is that of an execution
 * which is over.
 */
export function exitCodeOfStatus(status: string): number {
  switch (status) {
    case 'success':
    case 'skipped':
      return exitCodes.success;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'timeout':
      return exitCodes.timedOut;
    default:
      return exitCodes.failed;
  }
}
