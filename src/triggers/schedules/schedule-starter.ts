import { Injectable, Logger } from '@nestjs/common';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { mergedNames } from '../../common/values/name-record.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import { AcceptExecution } from '../../executions/acceptance/accept-execution.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import { triggerOf } from '../decisions/trigger-of.js';
import { PipelineDecider } from '../decisions/pipeline-decider.js';
import type { Tick } from './schedule-store.js';

/** Starts what ticks start. */
@Injectable()
export class ScheduleStarter {
  private readonly logger = new Logger(ScheduleStarter.name);

  constructor(
    private readonly pipelines: PipelinesService,
    private readonly repositories: RepositoriesService,
    private readonly decider: PipelineDecider,
    private readonly acceptance: AcceptExecution,
  ) {}

  /**
   * The execution of the tick is accepted when it returns, once, however often and by however many
   * it is called. Rejects when the database is away.
   */
  async start({ id, pipelineId, version: number, executionId, at }: Tick): Promise<void> {
    if (executionId === null) return;
    if (await this.acceptance.acceptedBefore({ id: executionId, repeated: true })) return;
    const version = await this.pipelines.getVersion(pipelineId, number).catch(nothing);
    if (version === undefined) {
      this.logger.warn({ tickId: id }, 'a tick starts nothing: its pipeline was deleted');
      return;
    }
    const repository = await this.decider.repositoryOf(version);
    await this.acceptance.accept(executionId, {
      pipeline_id: pipelineId,
      pipeline_name: version.pipelineName,
      pipeline_version: number,
      plan_hash: version.planHash,
      plan: version.plan,
      inputs: resolveInputs(version.definition, {}).inputs,
      environment: mergedNames(undefined),
      trigger_info: triggerOf('schedule', at, repository),
      // The worker asks for the credential of the connection when it clones.
      clone_url: repository?.clone_url ?? null,
      rerun_of: null,
    });
  }
}

function nothing(error: unknown): undefined {
  if (error instanceof MillraceError && error.kind === 'NotFoundError') return undefined;
  throw error;
}
