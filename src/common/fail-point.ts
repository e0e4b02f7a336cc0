/** Places where a test may stop or kill this process, to see that nothing is lost there. In the order of a run. */
export const failPoints = [
  'pipeline_inserted', // API: stored, not answered yet
  'execution_inserted', // API: accepted and stored, not enqueued yet
  'idempotent_answer_stored', // API: done, and the answer is kept, but not sent
  'job_taken', // worker: the job is here, the execution not claimed
  'execution_claimed', // claimed, nothing run yet
  'step_started', // the process of a step runs
  'step_ended', // it ended, and nobody was told
  'hook_started', // the process of an always or on_failure hook runs
  'log_closed', // run to its end and logged, not settled yet
  'execution_settled', // its end is stored, nothing cleaned up
  'retention_log_removed', // the log of executions is removed, they themselves are not yet
] as const;

export type FailPoint = (typeof failPoints)[number];

let armed: { readonly name: string; readonly signal: string } | undefined;

/**
 * Arms one point; only entry files call it, with the variable `FAIL_POINT`: the name of a point, and behind a colon the
 * signal that this process sends itself there, once. Default: SIGKILL.
 */
export function armFailPoint(value: string | undefined): void {
  const [name = '', signal = 'SIGKILL'] = value?.split(':') ?? [];
  armed = name === '' ? undefined : { name, signal };
}

/** Does what is armed for this point. */
export function failPoint(name: FailPoint): void {
  if (armed?.name !== name) return;
  const { signal } = armed;
  armed = undefined;
  process.kill(process.pid, signal);
}
