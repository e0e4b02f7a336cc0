import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/principals/principal.js';
import {
  conflict,
  notFound,
  unprocessable,
  validationError,
  type MillraceError,
} from '../../common/errors/millrace.error.js';
import { splitUrlCredentials } from '../../common/url-credentials.js';
import { mergedNames, type NameRecord } from '../../common/values/name-record.js';
import { sayUrl } from '../../common/values/repository-url.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { Reservation } from '../../idempotency/reservation.js';
import {
  PipelinesService,
  type RunnableVersion,
} from '../../pipelines/definitions/pipelines.service.js';
import { PlansService } from '../../pipelines/versions/plans.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import { type AcceptedExecution, AcceptExecution, NO_PLAN } from './accept-execution.js';
import { CancelExecution } from '../ending/cancel-execution.js';
import {
  type ExecutionFilter,
  ExecutionListsRepository,
  type ExecutionSummary,
} from '../record/execution-lists.repository.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { AskedTrigger, ExecutionRecord, TriggerInfo } from '../record/execution.schema.js';
import { mustBeReadable } from '../record/sealed-execution.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { approvedAgain, type Rerunner } from './fork-rerun.js';
import { refuseOwnCode } from './trigger-limits.js';
import type { RunStatus } from '../../engine/plan/run-state.js';

/** What somebody asks for when a pipeline is triggered by hand. */
export interface TriggerRequest {
  readonly triggerType?: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commitHash?: string;
  /** Clone from here instead of the pipeline's repository; may hold credentials. */
  readonly repository?: string;
  readonly environment?: NameRecord<string>;
  readonly inputs?: NameRecord<unknown>;
}

/** Accepts, shows, cancels and repeats executions; runs none. */
@Injectable()
export class ExecutionsService {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly plans: PlansService,
    private readonly repositories: RepositoriesService,
    private readonly executions: ExecutionsRepository,
    private readonly lists: ExecutionListsRepository,
    private readonly acceptance: AcceptExecution,
    private readonly cancels: CancelExecution,
    private readonly live: LiveExecutions,
  ) {}

  /**
   * Accepts an execution of the pipeline's current version. When it returns, the execution is
   * stored and will run, whatever happens to this process.
   * @throws MillraceError ValidationError, NotFoundError, ConflictError (disabled),
   * UnprocessableError (inputs), ServiceUnavailableError (database away), AuthorizationError
   * (`refuseOwnCode`)
   */
  async trigger(
    pipelineId: string,
    request: TriggerRequest,
    caller: Pick<Principal, 'id' | 'scopes'>,
    reservation: Reservation,
  ): Promise<AcceptedExecution> {
    if (request.branch !== undefined && request.tag !== undefined) {
      throw validationError('A trigger names a branch or a tag, not both.', {
        suggestions: ['Leave one of them out; commit_hash may come with either.'],
      });
    }
    const earlier = await this.acceptance.acceptedBefore(reservation);
    if (earlier) return earlier;
    const version = await this.pipelines.getVersion(pipelineId);
    if (!version.enabled) throw pipelineDisabled(pipelineId);
    await refuseOwnCode(version.plan, request, caller.scopes, () => this.urlsOf(version));
    const { inputs, problems } = resolveInputs(version.definition, request.inputs ?? {});
    if (problems.length > 0) {
      throw inputsUnfit(problems);
    }
    return this.acceptance.accept(reservation.id, {
      pipeline_id: version.pipelineId,
      pipeline_name: version.pipelineName,
      pipeline_version: version.number,
      plan_hash: version.planHash,
      plan: version.plan,
      inputs,
      environment: mergedNames(request.environment),
      trigger_info: triggerInfo(request, caller.id),
      asked: askedTrigger(request, version),
      clone_url: request.repository ?? null,
      rerun_of: null,
    });
  }

  /**
   * Runs the same plan again: same version, inputs, variables, and the very commit that was cloned.
   * @throws MillraceError NotFoundError, ConflictError when the execution is not over or its
   *   pipeline is disabled, AuthorizationError (`approvedAgain`)
   */
  async rerun(id: string, by: Rerunner, reservation: Reservation): Promise<AcceptedExecution> {
    const earlier = await this.acceptance.acceptedBefore(reservation);
    if (earlier) return earlier;
    const original = await this.get(id);
    if (!isTerminal(original.status)) {
      throw notOver(id, original.status);
    }
    if (original.plan_hash === NO_PLAN) {
      throw conflict(`Execution ${id} has no plan: its definition did not compile.`, {
        suggestions: ['Mend the file and push it: that starts an execution of its own.'],
      });
    }
    // Of a pipeline that was deleted the plan is still there, and nobody said that it must not run.
    if ((await this.pipelines.isEnabled(original.pipeline_id)) === false) {
      throw pipelineDisabled(original.pipeline_id);
    }
    const { event } = original.trigger_info;
    const repository = event && (await this.repositories.find(event.repository_id));
    const info = approvedAgain(original.trigger_info, repository, by);
    return this.acceptance.accept(reservation.id, {
      pipeline_id: original.pipeline_id,
      pipeline_name: original.pipeline_name,
      pipeline_version: original.pipeline_version,
      plan_hash: original.plan_hash,
      plan: await this.plans.get(original.plan_hash),
      inputs: original.inputs,
      environment: original.environment,
      trigger_info: {
        ...info,
        timestamp: new Date(),
        commit_hash: original.commit?.sha ?? info.commit_hash,
        rerun_of: original._id,
        rerun_by: by.id,
      },
      ...(original.asked && { asked: original.asked }),
      clone_url: cloneUrlOf(original),
      ...(original.payload !== undefined && { payload: original.payload }),
      rerun_of: original._id,
    });
  }

  /**
   * The execution with what is live of it.
   * @throws NotFoundError, MissingKeyError, BrokenSealError
   */
  async get(id: string): Promise<ExecutionRecord> {
    const execution = await this.executions.find(id);
    if (!execution) throw notFound('execution', id);
    mustBeReadable(execution);
    return this.live.merge(execution);
  }

  async list(
    filter: ExecutionFilter,
    limit: number,
    before: string | undefined,
  ): Promise<ExecutionSummary[]> {
    return this.lists.list(filter, limit, before);
  }

  /**
   * Ends an execution. When it returns, the execution is or will be `cancelled` and nothing else,
   * also if its last step ends at this moment.
   * @throws MillraceError NotFoundError, ConflictError when it is over already
   */
  async cancel(id: string, actor: string, why: string | undefined): Promise<void> {
    const result = await this.cancels.cancel(id, {
      at: new Date(),
      by: actor,
      ...(why === undefined ? {} : { reason: why }),
    });
    if (result.kind === 'not_found') throw notFound('execution', id);
    if (result.kind === 'over') {
      throw overAlready(id, result.status);
    }
  }

  /** What the pipeline clones when a trigger names nothing, and its connected repository. */
  private async urlsOf({ plan, source }: RunnableVersion): Promise<readonly string[]> {
    const own = plan.repository?.url;
    const connected = source
      ? await this.repositories.find(source.repository_id)
      : own === undefined
        ? undefined
        : await this.repositories.withCloneUrl(own);
    return [own, connected?.clone_url].filter((url) => url !== undefined);
  }
}

/** The credential of a connection is asked again: older versions have stored it. */
function cloneUrlOf({ clone_url: url, trigger_info }: ExecutionRecord): string | null {
  return url === null || trigger_info.event === undefined ? url : splitUrlCredentials(url).url;
}

/** 409: only what is over runs again. */
export function notOver(id: string, status: RunStatus): MillraceError {
  return conflict(`Execution ${id} is not over: it is ${status}.`, {
    suggestions: ['Wait for its end or cancel it, then run it again.'],
  });
}

/** 409: what is over cannot be cancelled. */
export function overAlready(id: string, status: RunStatus): MillraceError {
  return conflict(`Execution ${id} is over already: it is ${status}.`, {
    suggestions: ['Nothing is left to cancel; run it again if you want another result.'],
  });
}

/** 409: a disabled pipeline starts nothing. */
export function pipelineDisabled(pipelineId: string): MillraceError {
  const reason = executionReasons.pipelineDisabled();
  return conflict(reason.message, {
    details: { reason, pipeline_id: pipelineId },
    suggestions: [
      `Enable it first: ./millrace pipelines enable ${pipelineId} (PATCH /api/ci/pipelines/${pipelineId} with {"enabled": true}).`,
    ],
  });
}

function triggerInfo(request: TriggerRequest, actor: string): TriggerInfo {
  return {
    trigger_type: request.triggerType ?? 'manual',
    triggered_by: actor,
    timestamp: new Date(),
    ...namedRefs(request),
    ...(request.repository === undefined ? {} : { repository: sayUrl(request.repository) }),
  };
}

/** What is kept of the request as it was, and of the text that it starts. */
function askedTrigger(request: TriggerRequest, { source }: RunnableVersion): AskedTrigger {
  if (source === undefined) return namedRefs(request);
  const { repository_id, branch } = source;
  return {
    ...namedRefs(request),
    source: { repository_id, ...(branch !== undefined && { branch }) },
  };
}

function namedRefs({ branch, tag, commitHash }: TriggerRequest): Omit<AskedTrigger, 'source'> {
  return {
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
    ...(commitHash !== undefined && { commit_hash: commitHash }),
  };
}

/** 422 @param problems of each input that does not fit */
export function inputsUnfit(problems: readonly unknown[]): MillraceError {
  return unprocessable('The inputs do not fit the pipeline.', { details: problems });
}
