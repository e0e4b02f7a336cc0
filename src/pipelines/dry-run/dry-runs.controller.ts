import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { NotAudited } from '../../common/audit/audited.decorator.js';
import { validationError, notFound } from '../../common/errors/millrace.error.js';
import { ApiErrors, EXAMPLE_ID, BodyExample } from '../../common/http/api-documentation.js';
import { mergedNames } from '../../common/values/name-record.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { CompileLimitGuard } from '../../integrations/rate-limit/compile-limit.guard.js';
import { credentialMask } from '../compile/credential-masks.js';
import type { DryRun, DryRunTrigger } from '../compile/dry-run.js';
import { EXAMPLE_YAML, YamlBody } from '../definitions/dto/yaml-content.dto.js';
import { type AssumedPullRequest, assumedTrigger } from '../trigger-request/assumed-trigger.js';
import { triggerEnvironment } from '../trigger-request/trigger-environment.js';
import { triggerRepository } from '../trigger-request/trigger-repository.js';
import { DryRunsService } from './dry-runs.service.js';
import { PlanDto, type PlanPullRequestDto, type PlanTriggerDto } from './dto/plan.dto.js';
import { planResponse, PlanResponse } from './dto/plan.response.js';
import { yamlTooLarge } from '../definitions/yaml-source.js';

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines')
export class DryRunsController {
  constructor(
    private readonly dryRuns: DryRunsService,
    private readonly config: MillraceConfig,
  ) {}

  @Post('plan')
  @Requires('pipelines:check')
  @YamlBody()
  @NotAudited('stores nothing')
  @UseGuards(CompileLimitGuard)
  @HttpCode(200)
  @BodyExample({ yaml_content: EXAMPLE_YAML, trigger: { event: 'push', branch: 'main' } })
  @ApiOperation({
    summary: 'Dry run: plan, graph and the decision for a trigger; nothing is stored',
    description: 'Exactly one of `yaml_content` and `pipeline_id`. Without `trigger`: by hand.',
  })
  @ApiOkResponse({ type: PlanResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 413, 415, yamlTooLarge(), 503)
  async plan(
    @Body() body: PlanDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<PlanResponse> {
    const trigger = triggerOf(body.trigger, principal, this.config);
    const run = await this.run(body, trigger);
    const mask =
      run.kind === 'valid'
        ? credentialMask(run.plan, trigger.repository ?? null)
        : (text: string) => text;
    const { workerMaxParallelSteps } = this.config;
    return planResponse(run, Object.keys(trigger.environment), mask, workerMaxParallelSteps);
  }

  private async run(
    { yaml_content: yaml, pipeline_id: id }: PlanDto,
    trigger: DryRunTrigger,
  ): Promise<DryRun> {
    if (yaml !== undefined && id === undefined) return this.dryRuns.ofYaml(yaml, trigger);
    if (id !== undefined && yaml === undefined) {
      return this.dryRuns.ofPipeline(id.toLowerCase(), trigger);
    }
    throw validationError('A dry run takes exactly one of yaml_content and pipeline_id.', {
      suggestions: ['Send `yaml_content` for a text, or `pipeline_id` for a stored pipeline.'],
    });
  }
}

function triggerOf(
  body: PlanTriggerDto | undefined,
  principal: Principal,
  config: MillraceConfig,
): DryRunTrigger {
  const { branch, tag, commit_hash: commit } = body ?? {};
  const repository = triggerRepository(body?.repository, config);
  if (branch !== undefined && tag !== undefined) {
    throw validationError('A trigger names a branch or a tag, not both.', {
      suggestions: ['Leave one of them out; commit_hash may come with either.'],
    });
  }
  const { context, asked } = assumedTrigger({
    event: body?.event ?? body?.trigger_type ?? 'manual',
    actor: principal.id,
    branch,
    tag,
    commit: commit?.toLowerCase(),
    repository,
    message: body?.message,
    changedPaths: body?.changed_paths,
    pullRequest: pullRequestOf(body?.pull_request),
  });
  return {
    ...context,
    asked,
    environment: triggerEnvironment(body?.environment ?? {}),
    inputs: mergedNames(body?.inputs),
  };
}

function pullRequestOf(body: PlanPullRequestDto | undefined): AssumedPullRequest | undefined {
  if (body === undefined) return undefined;
  const { base_branch: baseBranch, head_branch: headBranch, ...same } = body;
  return { ...same, baseBranch, headBranch };
}
