export type ProcessRunnerErrorCode =
  | 'launcher_start_failed'
  | 'launcher_lost'
  | 'process_runner_closed'
  | 'duplicate_process_id'
  | 'processes_survived'
  | 'step_user_not_found'
  | 'step_user_create_failed'
  | 'state_directory_unsafe';

/** What a process runner could not do for a reason of its own, never for what a program did (that is a `ProcessExit`). */
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
