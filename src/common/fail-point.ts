import { open, openSync } from 'node:fs';

/**
 * Places where a test may stop or kill this process, to see that nothing is lost there. In the
 * order of a run.
 */
export const FAIL_POINTS = [
  'pipeline_inserted', // API: stored, not answered yet
  'execution_inserted', // API: accepted and stored, not enqueued yet
  'idempotent_answer_stored', // API: done, and the answer is kept, but not sent
  'delivery_inserted', // API: a webhook is stored, no job made, not answered yet
  'delivery_decided', // worker: what it starts is stored, nothing of it started yet
  'tick_decided', // API: what a tick of a schedule starts is stored, not started yet
  'job_taken', // worker: the job is here, the execution not claimed
  'execution_claimed', // claimed, nothing run yet
  'image_found', // the image of a step is here, and resolved for the execution
  'network_made', // the network of sidecars is made, none of them runs
  'container_made', // a container is made, and not started yet
  'sidecar_started', // a sidecar runs, and is not known to be ready
  'step_started', // the process of a step runs
  'container_started', // the container of a step runs
  'step_ended', // it ended, and nobody knows
  'artifacts_stored', // the archive of artifacts is stored, and no record of it yet
  'cache_stored', // so with a cache
  'deployment_suspended', // a deployment of a step is stored to wait, its execution is not
  'deployment_planned', // worker: its plan says that it can be done, and nothing was
  'release_prepared', // worker: a release lies at its place, nothing of what serves was changed
  'before_switch_begun', // worker: what a release runs once is about to run, and stored as begun
  'instance_started', // worker: the instance of a release runs beside the one that serves
  'gate_passed', // it has answered well, nothing of what serves was changed
  'deployment_switching', // everything is ready for the switch, and stored
  'release_switched', // the new release serves, and nothing stored says so
  'service_stopped', // of a stop: it is stored, and the route may still lead to its instance
  'service_drained', // of a stop: what had begun had its time, the instance runs still
  'instance_ended', // of a stop: it is, and nothing stored says so
  'service_withdrawn', // of a removal: nothing of the service serves, and nothing stored says so
  'releases_removed', // of a removal: they are, and the service is there still
  'deployment_serving', // it is stored; old releases are still there
  'instance_removed', // worker: what ran of a release is gone, its port is not given back
  'deployment_ended', // worker: its end is stored, and it holds its service still
  'unit_parts_named', // worker: which deployments a unit has is stored, none of them has begun
  'unit_parts_ready', // all its parts have passed their gates, nothing of what serves was changed
  'unit_switching', // it is stored that it switches, and no part has
  'part_switched', // a part of it serves, another one does not yet
  'part_taking_back', // another one has failed; that this one is taken back is stored, not done
  'part_taken_back', // what served before serves again, and the unit does not know
  'unit_serving', // all parts serve, and it is stored
  'watch_decided', // worker: a release that is watched goes back; it is watched still
  'failure_decided', // worker: what is done of a failed service is stored, and not asked for
  'failure_asked', // it is asked for, and nothing stored says so
  'hook_started', // the process of an always or on_failure hook runs
  'snapshot_folder_kept', // a part of a workspace is kept of an execution that is to wait
  'snapshot_kept', // all of it is, and nothing stored says that it waits
  'execution_suspended', // it waits; the workspace is still here, too
  'execution_answered', // what it waits for is decided and stored, no job made yet
  'snapshot_folder_restored', // another attempt has a part of the workspace
  'snapshot_restored', // it has all of it, and nothing stored says so
  'log_closed', // run to its end and logged, not settled yet
  'execution_settled', // its end is stored with the news of it; nobody has it, nothing is cleaned up
  'alert_stored', // API, of an execution also a worker: an alert is stored, nobody was told yet
  'alert_sent', // API: it has reached a channel, and nothing stored says so
  'half_resealed', // API: some documents are sealed by a new key, the rest are not yet
  'retention_log_removed', // the log of executions is removed, they themselves are not yet
] as const;

export type FailPoint = (typeof FAIL_POINTS)[number];

let armed: { readonly name: string; readonly blow: string } | undefined;
/** More than the pool of threads ever has (UV_THREADPOOL_SIZE). */
const MOST_THREADS = 1024;

/**
 * Arms one point; only entry files call it, with the variable `FAIL_POINT`: the name of a point,
 * and behind a colon what happens there, once: a signal that this process sends itself (default:
 * SIGKILL), `THREADS=/a/fifo` (all threads of its pool wait for ever) or `LOOP=/a/fifo` (its event
 * loop does).
 */
export function armFailPoint(value: string | undefined): void {
  const [name = '', blow = 'SIGKILL'] = value?.split(':') ?? [];
  armed = name === '' ? undefined : { name, blow };
}

/** Does what is armed for this point. */
export function failPoint(name: FailPoint): void {
  if (armed?.name !== name) return;
  const [kind = '', fifo = ''] = armed.blow.split('=');
  armed = undefined;
  if (kind === 'LOOP') openSync(fifo, 'r');
  else if (kind === 'THREADS') blockThreads(fifo);
  else process.kill(process.pid, kind);
}

/** A FIFO that nobody writes to is never open. */
function blockThreads(fifo: string): void {
  for (let count = 0; count < MOST_THREADS; count += 1) open(fifo, 'r', () => undefined);
}
