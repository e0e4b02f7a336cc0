import { NoUpstreamError } from './no-upstream.error.js';
import type { ArtifactsSource } from '../../engine/plan/artifacts-plan.js';
import type { ObjectKey } from '../../integrations/object-store/object-key.js';
import type { Artifact } from './artifact.js';

/** An execution of another pipeline whose artifacts are taken. */
export interface Upstream {
  readonly executionId: string;
  /** For people: `lib#42`. */
  readonly shown: string;
}

/** The last success of another pipeline, from which artifacts are taken. */
export abstract class ArtifactSources {
  abstract ofExecution(executionId: string): Promise<readonly Artifact[]>;
  /**
   * The last success of a pipeline on a branch, none of another repository's pull request.
   *
   * @throws NoUpstreamError
   */
  abstract lastSuccess(pipeline: string, branch: string): Promise<Upstream>;
}

/** What is unpacked: one archive of a try, with all that is in it. */
export interface FoundArtifacts {
  readonly objectKey: ObjectKey;
  /** For people: `build/pack, attempt 1`. */
  readonly shown: string;
}

/**
 * The archives that a source means, by the records of its execution: of each step those of its
 * last try that kept any, in the order in which they were kept.
 *
 * @throws NoUpstreamError when there are none
 */
export function archivesOf(
  artifacts: readonly Artifact[],
  { stage, step, name }: ArtifactsSource,
): FoundArtifacts[] {
  const last = new Map<string, Artifact>();
  for (const artifact of artifacts) {
    if (stage !== undefined && artifact.stage !== stage) continue;
    if (step !== undefined && artifact.step !== step) continue;
    if (name !== undefined && artifact.name !== name) continue;
    const key = JSON.stringify([artifact.stage, artifact.step, artifact.cell ?? null]);
    const known = last.get(key);
    if (known === undefined || isLater(artifact, known)) last.set(key, artifact);
  }
  if (last.size === 0) {
    const what = [stage && `stage ${stage}`, step && `step ${step}`, name && `name ${name}`];
    throw new NoUpstreamError(`there are no artifacts of ${what.filter(Boolean).join(', ')}`);
  }
  return [...last.values()]
    .sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime())
    .map(({ objectKey, stage: ofStage, step: ofStep, attempt }) => ({
      objectKey,
      shown: `${ofStage}/${ofStep}, attempt ${attempt}`,
    }));
}

function isLater(one: Artifact, other: Artifact): boolean {
  if (one.executionAttempt !== other.executionAttempt) {
    return one.executionAttempt > other.executionAttempt;
  }
  return one.attempt > other.attempt;
}
