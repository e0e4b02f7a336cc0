export type ProcessRunnerErrorCode =
  | 'launcher_start_failed'
  | 'launcher_lost'
  | 'process_runner_closed'
  | 'duplicate_process_id'
  | 'processes_survived'
  | 'fifos_not_made'
  | 'step_user_not_found'
  | 'step_user_create_failed'
  | 'state_directory_unsafe';

/**
 * What a process runner could not do for a reason of its own, never for what a program did (that is
 * a `ProcessExit`).
 */
export class ProcessRunnerError extends Error {
  override readonly name = 'ProcessRunnerError';

  constructor(
    readonly code: ProcessRunnerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function isLauncherLost(error: unknown): boolean {
  return error instanceof ProcessRunnerError && error.code === 'launcher_lost';
}
