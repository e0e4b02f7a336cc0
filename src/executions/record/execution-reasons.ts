import { CONTAINERS_LABEL } from '../../common/values/worker-labels.js';
import { noSecretText, type SecretPlaces } from '../../engine/preview/secret-places.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import type { SecretRun, WithheldSecret } from '../../secrets/store/secret-rules.js';
import type { StoredReason } from './stored-state.js';

/**
 * Reasons of executions as a whole that are given outside the engine; docs/reasons.md explains each
 * code.
 */
export const executionReasons = {
  queued: (): StoredReason => ({
    code: 'queued',
    message: 'Accepted; it starts when a worker takes it.',
  }),
  queueUnavailable: (): StoredReason => ({
    code: 'queue_unavailable',
    message: 'Accepted, but the queue cannot be reached for now; it starts when the queue is back.',
  }),
  noWorker: (labels: readonly string[]): StoredReason => ({
    code: 'no_worker',
    message: labels.length === 0 ? 'No worker is running.' : noWorkerMessage(labels),
    data: { labels },
  }),
  workersRefuse: (): StoredReason => ({
    code: 'workers_refuse',
    message:
      'Every worker that could take it refuses new executions for now; explain says why (queue.refusals).',
  }),
  pipelineDisabled: (): StoredReason => ({
    code: 'pipeline_disabled',
    message: 'The pipeline is disabled: it starts no executions.',
  }),
  slotsBusy: (slots: number, workers: number): StoredReason => ({
    code: 'slots_busy',
    message: `All ${slots} slots of the ${workers} workers that could take it are busy.`,
    data: { slots, workers },
  }),
  queuedBehind: (ahead: number): StoredReason => ({
    code: 'queued_behind',
    message: `${ahead} executions of the same queue were accepted before it and wait too.`,
    data: { ahead },
  }),
  cancelled: (by: string, why: string | undefined): StoredReason => ({
    code: 'cancelled_by_user',
    message: `Cancelled by ${by}${why === undefined ? '' : `: ${why}`}.`,
    data: { by },
  }),
  workerLost: (worker: string, retriesLeft: number): StoredReason => ({
    code: 'worker_lost',
    message:
      retriesLeft > 0
        ? `The worker ${worker} was lost; it starts again on another one.`
        : `The worker ${worker} was lost and no retry is left (retry_count of the pipeline).`,
    data: { worker, retries_left: retriesLeft },
  }),
  workerStopped: (worker: string): StoredReason => ({
    code: 'worker_stopped',
    message: `The worker ${worker} was stopped; it starts again on another one. This costs no retry.`,
    data: { worker },
  }),
  answered: (steps: readonly string[]): StoredReason => ({
    code: 'approval_answered',
    message: `What it waited for is decided (${steps.join(', ')}); it continues when a worker takes it.`,
    data: { steps },
  }),
  snapshotUnavailable: (worker: string): StoredReason => ({
    code: 'snapshot_unavailable',
    message: `The worker ${worker} could not reach the workspace that was kept; it is tried again. This costs no retry.`,
    data: { worker },
  }),
  restoreLost: (worker: string): StoredReason => ({
    code: 'restore_lost',
    message: `The worker ${worker} was lost before it could continue; it continues on another one. This costs no retry.`,
    data: { worker },
  }),
  claimUnheard: (worker: string): StoredReason => ({
    code: 'claim_unheard',
    message: `The database answered too late that the worker ${worker} had it; it starts again. This costs no retry.`,
    data: { worker },
  }),
  leaseLost: (): StoredReason => ({
    code: 'lease_lost',
    message: 'The execution was taken from this worker, because its lease had run out.',
  }),
  workspaceFailed: (code: string): StoredReason => ({
    code: 'workspace_failed',
    message: `The worker could not prepare the workspace (${code}).`,
    data: { code },
  }),
  secretMissing: (names: readonly string[], places: SecretPlaces): StoredReason => ({
    code: 'secret_missing',
    message: `${noSecretText(names, places)} for this pipeline; set ${names.length === 1 ? 'it' : 'them'} by ./millrace secrets set.`,
    data: { secrets: names, places: names.map((name) => places.get(name) ?? null) },
  }),
  secretWithheld: (secrets: readonly WithheldSecret[], run: SecretRun): StoredReason => ({
    code: 'secret_withheld',
    message: secrets.map((secret) => withheldMessage(secret, run)).join(' '),
    data: {
      event: run.event,
      secrets: secrets.map(({ name, scope, events, protected: isProtected, why }) => {
        return { name, scope, events, protected: isProtected, why };
      }),
    },
  }),
  secretUnreadable: (name: string, keyId: string | undefined): StoredReason => ({
    code: 'secret_unreadable',
    message:
      keyId === undefined
        ? `The stored value of the secret ${name} was changed or moved: set it again.`
        : `The secret ${name} was encrypted with the key "${keyId}", which this worker does not have (ENCRYPTION_KEYS).`,
    data: { secret: name, ...(keyId !== undefined && { key: keyId }) },
  }),
  unreadable: (what: string, error: Error): StoredReason => ({
    code: 'encrypted_unreadable',
    message:
      error instanceof MissingKeyError
        ? `The worker cannot read ${what}: it was encrypted with the key "${error.keyId}", which the worker does not have (ENCRYPTION_KEYS).`
        : `The worker cannot read ${what}: it was changed in the database.`,
    data: { ...(error instanceof MissingKeyError && { key: error.keyId }) },
  }),
  internalError: (): StoredReason => ({
    code: 'internal_error',
    message: 'Millrace itself failed; the log of the worker has the details under this execution.',
  }),
} as const;

function withheldMessage(
  { name, scope, events, why }: WithheldSecret,
  { event, unprotected = '' }: SecretRun,
): string {
  const which =
    scope === 'global' ? `The global secret ${name}` : `The secret ${name} of the ${scope}`;
  return why === 'event'
    ? `${which} is only for ${(events ?? []).join(', ')}; this run is of ${event}.`
    : `${which} is protected, and this run does not get it: ${unprotected}.`;
}

/** Nobody configures the label of containers, and no pipeline asks for it by name. */
function noWorkerMessage(labels: readonly string[]): string {
  const named = labels.filter((label) => label !== CONTAINERS_LABEL);
  const offers = `offers the labels ${named.join(', ')} (WORKER_LABELS)`;
  if (named.length === labels.length) return `No running worker ${offers}.`;
  const engine = 'has a container engine, which its steps need; the list of workers says why';
  return `No running worker ${named.length === 0 ? engine : `${offers} and ${engine}`}.`;
}
