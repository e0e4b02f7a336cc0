import type { DetectionEnd, ProjectChoice } from './folder-request.js';

/** No label begins with a dot, so no queue of executions has this name. */
export const DETECTION_QUEUE = '.detections';

/** Under `MILLRACE_HOME`, for what is looked at. */
export const SCRATCH_FOLDER = 'detections';

/** A worker gives up a clone after so long. */
export const CLONE_LIMIT_MS = 120_000;

export interface RepositoryRequest extends ProjectChoice {
  /** Without credentials. */
  readonly url: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
}

/**
 * How far the detection of a repository is. It is live state alone (`EventBus`): who has asked
 * waits for it, and asks again when it is lost. Each state has its fence, so that none is
 * overwritten by one before it.
 */
export type JobState =
  | { readonly kind: 'asked'; readonly request: RepositoryRequest }
  | { readonly kind: 'taken' }
  | DetectionEnd;

const FENCES: Readonly<Record<JobState['kind'], number>> = {
  asked: 1,
  taken: 2,
  detection: 3,
  problem: 3,
};

export function fenceOf({ kind }: JobState): number {
  return FENCES[kind];
}
