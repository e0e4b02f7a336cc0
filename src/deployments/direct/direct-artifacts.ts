import { conflict, type MillraceError, notFound } from '../../common/errors/millrace.error.js';
import { type DeploymentCause, causeOf } from '../../environments/approval.js';
import type { ArtifactsRepository } from '../../executions/artifacts/artifacts.repository.js';
import { archivesOf } from '../../executions/artifacts/artifact-sources.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import { NoUpstreamError } from '../../executions/artifacts/no-upstream.error.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import { runContextOf } from '../../executions/record/run-context.js';
import type { DeploymentOrigin, DirectArtifact } from '../record/deployment.js';
import { deploymentReasons } from '../running/deployment-reasons.js';

/** Names in a message. */
const MOST_NAMED = 10;

/** Which artifact; what is not given may be any, as long as there is one. */
export interface AskedArtifact {
  readonly executionId: string;
  readonly name: string;
  readonly stage?: string | undefined;
  readonly step?: string | undefined;
}

export interface FoundArtifact {
  readonly artifact: Omit<DirectArtifact, 'source'>;
  /** Who stands behind its execution. */
  readonly cause: DeploymentCause;
  readonly origin: Omit<DeploymentOrigin, 'stage' | 'step' | 'triggered_by'>;
}

/** The artifacts that are deployed by the API: each is one archive, which never changes. */
export class DirectArtifacts {
  constructor(
    private readonly executions: Pick<ExecutionsRepository, 'find'>,
    private readonly artifacts: Pick<ArtifactsRepository, 'ofExecution'>,
  ) {}

  /**
   * That of the last try of its step.
   * @throws NotFoundError, ConflictError: several steps have left one of that name, or its files
   *   are a stranger's
   */
  async find({ executionId, ...wanted }: AskedArtifact): Promise<FoundArtifact> {
    const execution = await this.executions.find(executionId);
    if (execution === null) throw notFound('execution', executionId);
    const context = runContextOf(execution);
    const { commit = null, branch = null, fork, rerun_of: original } = context.trigger;
    if (fork === true) throw conflict(`${deploymentReasons.fork().message}.`);
    const { objectKey, shown } = await this.archiveOf(execution, wanted);
    return {
      artifact: {
        ...{ execution_id: executionId, dated_by: original ?? executionId },
        ...{ shown, object_key: objectKey },
      },
      cause: causeOf(context),
      origin: {
        ...{ execution_id: executionId, pipeline_id: execution.pipeline_id },
        ...{ pipeline_name: execution.pipeline_name, commit, branch },
      },
    };
  }

  private async archiveOf(
    { _id: id }: Pick<ExecutionRecord, '_id'>,
    { name, stage, step }: Omit<AskedArtifact, 'executionId'>,
  ): Promise<ReturnType<typeof archivesOf>[number]> {
    const wanted = {
      name,
      ...(stage !== undefined && { stage }),
      ...(step !== undefined && { step }),
    };
    const all = await this.artifacts.ofExecution(id);
    const found = archivesIn(all, wanted);
    const [only, ...more] = found;
    if (only === undefined) throw noSuchArtifact(name, all);
    if (more.length > 0)
      throw severalArtifacts(
        name,
        found.map(({ shown }) => shown),
      );
    return only;
  }
}

function archivesIn(...asked: Parameters<typeof archivesOf>): ReturnType<typeof archivesOf> {
  try {
    return archivesOf(...asked);
  } catch (error) {
    if (error instanceof NoUpstreamError) return [];
    throw error;
  }
}

/** 404. @param kept of the execution */
export function noSuchArtifact(
  name: string,
  kept: readonly Pick<Artifact, 'name'>[],
): MillraceError {
  const names = [...new Set(kept.map((each) => each.name))];
  const shown = names.slice(0, MOST_NAMED).join(', ');
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  const suggestion =
    names.length === 0
      ? 'No step of it kept files, or they have expired: `./millrace artifacts EXECUTION`.'
      : `Those that are kept: ${shown}${more}. Without a name it is that of the step.`;
  return notFound('artifact', name, { suggestions: [suggestion] });
}

/** 409 */
function severalArtifacts(name: string, shown: readonly string[]): MillraceError {
  return conflict(`Several steps have left an artifact ${name}: ${shown.join('; ')}.`, {
    suggestions: [
      'Name the stage and the step, too; of a matrix, give each cell a name of its own.',
    ],
  });
}
