import { Injectable } from '@nestjs/common';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import type { DecisionPart } from '../../engine/triggers/decision-part.js';
import { decideTrigger, type RuleDecision } from '../../engine/triggers/trigger-decision.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { triggerReason } from '../../engine/triggers/trigger-reasons.js';
import {
  PipelinesService,
  type RunnableVersion,
} from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';

/** Events that are of one pipeline, and of no commit. */
export type PipelineEvent = 'schedule' | 'webhook';

/** What an event would start now. */
export interface PipelineDecision {
  readonly starts: boolean;
  readonly reason: Reason;
  readonly parts: readonly DecisionPart[];
  readonly rules: readonly RuleDecision[];
  readonly version: RunnableVersion;
}

/** Whether a pipeline starts by an event of its own, and why not. */
@Injectable()
export class PipelineDecider {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly repositories: RepositoriesService,
  ) {}

  /** @throws MillraceError NotFoundError: there is no such pipeline (any more) */
  async decide(pipelineId: string, event: PipelineEvent): Promise<PipelineDecision> {
    const version = await this.pipelines.getVersion(pipelineId);
    const { definition, enabled } = version;
    const { starts, reason, ...asked } = decideTrigger({
      rules: definition.triggers,
      trigger: { event },
      enabled,
      inputProblems: resolveInputs(definition, {}).problems,
    });
    const refusal = starts ? await this.refusal(version, event) : undefined;
    const { parts, rules } = asked;
    return {
      starts: starts && refusal === undefined,
      reason: refusal ?? reason,
      parts,
      rules,
      version,
    };
  }

  /** The repository in which the pipeline lives; undefined: it lives in none, or that is gone. */
  async repositoryOf({ source }: RunnableVersion): Promise<RepositoryDocument | undefined> {
    return source && (await this.repositories.find(source.repository_id));
  }

  private async refusal(
    version: RunnableVersion,
    event: PipelineEvent,
  ): Promise<Reason | undefined> {
    const { source } = version;
    if (source === undefined) return undefined;
    const repository = await this.repositoryOf(version);
    if (!repository) {
      const why = 'the repository of the pipeline is not connected any more';
      return triggerReason('repository_gone', why);
    }
    const { default_branch: branch } = repository;
    if (source.branch === branch) return undefined;
    const why = `the file ${source.path} has not been seen on the default branch "${branch}", or is gone from it`;
    return triggerReason(`${event}_off_default_branch`, why, { branch });
  }
}
