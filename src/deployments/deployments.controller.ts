import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import type { Published } from '../engine/steps/deploy/deploy-action.js';
import { readDirectDeploy } from '../engine/steps/deploy/direct-deploy.js';
import { LOOPBACK } from '../engine/steps/deploy/published-reader.js';
import { validationError, notFound } from '../common/errors/millrace.error.js';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited, type AuditFacts } from '../common/audit/audited.decorator.js';
import { ApiErrors, ApiPage, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { type PageBody, pageBody, pageRequest } from '../common/http/paging.js';
import { UuidPipe } from '../common/http/uuid.pipe.js';
import { Idempotent, Reserved } from '../idempotency/idempotent.decorator.js';
import type { Reservation } from '../idempotency/reservation.js';
import { DeploymentApprovals } from './approvals/deployment-approvals.js';
import { DeploymentsService } from './deployments.service.js';
import { ApproveDto, RejectDto } from './dto/approval.dto.js';
import { DeployDto } from './dto/deploy.dto.js';
import { DeploymentQuery } from './dto/deployment.query.js';
import { deploymentResponse, DeploymentResponse } from './dto/deployment.response.js';
import {
  DeploymentExplanationResponse,
  deploymentExplanationResponse,
} from './explanation/dto/explanation.response.js';
import { PromoteDto, type PublishDto } from './dto/promote.dto.js';
import { RollbackDto, RollbackQuery } from './dto/rollback.dto.js';
import { rollbackPlanResponse, RollbackPlanResponse } from './dto/rollback.response.js';
import { invalid } from './direct/direct-deployments.js';
import { severalHosts } from './direct/direct-hosts.js';
import { deploymentOver, hasSwitched, inItAlready, noEarlierRelease } from './refusals.js';

const EXAMPLE_REFUSAL = readDirectDeploy({ type: 'docker_container', service: 'shop' });

const NAMED = { name: ({ answer }: AuditFacts) => answer('service') };

@ApiTags('deployments')
@ApiBearerAuth()
@Controller('deployments')
export class DeploymentsController {
  constructor(
    private readonly deployments: DeploymentsService,
    private readonly approvals: DeploymentApprovals,
  ) {}

  @Get()
  @Requires('deployments:read')
  @ApiOperation({ summary: 'Deployments and rollbacks, the newest first' })
  @ApiPage(DeploymentResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: DeploymentQuery): Promise<PageBody<DeploymentResponse>> {
    const { environment, service, status, execution_id: executionId } = query;
    const filter = { environment, service, status, executionId };
    const page = await this.deployments.list(filter, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(deploymentResponse) });
  }

  @Post()
  @Requires('deployments:deploy')
  @Audited('deployments.deploy', 'deployment', {
    ...NAMED,
    id: ({ answer }) => answer('deployment_id'),
    // Never what is in `deploy`: its variables are nobody's to read.
    details: ({ answer, body }) => ({
      environment: answer('environment'),
      deployment_type: answer('deployment_type'),
      artifact: body('artifact'),
      host: body('host'),
    }),
  })
  @Idempotent()
  @HttpCode(202)
  @BodyExample({ deploy: { type: 'docker_container', service: 'shop', image: 'nginx:1.29' } })
  @ApiOperation({
    summary: 'Put an image, or an artifact of an execution, into service without a step',
    description:
      'The answer is the deployment that does it, on a worker of its host, under the rules of its environment.',
  })
  @ApiAcceptedResponse({ type: DeploymentResponse })
  @ApiErrors(
    invalid(EXAMPLE_REFUSAL.kind === 'read' ? [] : EXAMPLE_REFUSAL.problems),
    401,
    notFound('execution', EXAMPLE_ID),
    severalHosts(['web-1', 'web-2']),
    503,
  )
  async deploy(
    @Body() { deploy, artifact, host }: DeployDto,
    @CurrentPrincipal() principal: Principal,
    @Reserved() reservation: Reservation,
    @Res({ passthrough: true }) response: Response,
  ): Promise<DeploymentResponse> {
    const { execution_id: executionId = '', name = '', stage, step } = artifact ?? {};
    const wanted = artifact && { executionId, name, stage, step };
    const asked = { deploy, artifact: wanted, host };
    const accepted = await this.deployments.deploy(asked, principal, reservation);
    response.setHeader('Location', `/api/deployments/${accepted.deployment._id}`);
    return deploymentResponse(accepted);
  }

  @Get(':id')
  @Requires('deployments:read')
  @ApiOperation({ summary: 'A deployment: what it did, and why' })
  @ApiOkResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), 503)
  async get(@Param('id', UuidPipe) id: string): Promise<DeploymentResponse> {
    return deploymentResponse(await this.deployments.get(id));
  }

  @Get(':id/explain')
  @Requires('deployments:read')
  @ApiOperation({ summary: 'Why a deployment is as it is' })
  @ApiOkResponse({ type: DeploymentExplanationResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), 503)
  async explain(@Param('id', UuidPipe) id: string): Promise<DeploymentExplanationResponse> {
    return deploymentExplanationResponse(await this.deployments.explain(id));
  }

  @Get(':id/rollback')
  @Requires('deployments:read')
  @ApiOperation({
    summary: 'What a rollback would do',
    description:
      'Which release would serve, and which variables and secrets are different today, by their names. Nothing is changed.',
  })
  @ApiOkResponse({ type: RollbackPlanResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), noEarlierRelease('production/shop'), 503)
  async planRollback(
    @Param('id', UuidPipe) id: string,
    @Query() { release }: RollbackQuery,
  ): Promise<RollbackPlanResponse> {
    return rollbackPlanResponse(await this.deployments.planRollback(id, release));
  }

  @Post(':id/rollback')
  @Requires('deployments:deploy')
  @Audited('deployments.rollback', 'deployment', {
    ...NAMED,
    details: ({ body }) => ({
      release: body('release'),
      current_environment: body('current_environment'),
    }),
  })
  @HttpCode(202)
  @BodyExample({})
  @ApiOperation({
    summary: 'Let a release of the service of this deployment serve again',
    description:
      'The answer is the deployment that does it, on a worker of its host; behind others of the service.',
  })
  @ApiBody({ type: RollbackDto, required: false })
  @ApiAcceptedResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), noEarlierRelease('production/shop'), 503)
  async rollback(
    @Param('id', UuidPipe) id: string,
    @Body() body: RollbackDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<DeploymentResponse> {
    const { release: number, current_environment: currentEnvironment = false } = body ?? {};
    const asked = { number, currentEnvironment };
    return deploymentResponse(await this.deployments.rollback(id, asked, principal));
  }

  @Post(':id/promote')
  @Requires('deployments:deploy')
  @Audited('deployments.promote', 'deployment', {
    ...NAMED,
    details: ({ body }) => ({
      environment: body('environment'),
      path: body('path'),
      publish: body('publish'),
    }),
  })
  @HttpCode(202)
  @BodyExample({ environment: 'production' })
  @ApiOperation({
    summary: 'Let the release of this deployment serve in another environment too',
    description:
      'The answer is the deployment that does it, on a worker of its host, under the rules of that environment. Files are copied, and are the same: the digest says so; an image is the same one.',
  })
  @ApiAcceptedResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), inItAlready('production'), 503)
  async promote(
    @Param('id', UuidPipe) id: string,
    @Body() { environment, path, publish, current_environment: current = false }: PromoteDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<DeploymentResponse> {
    const published = publish && publishedOf(publish);
    const promotion = { environment, path, published, currentEnvironment: current };
    return deploymentResponse(await this.deployments.promote(id, promotion, principal));
  }

  @Post(':id/approve')
  @Requires('deployments:approve')
  @Audited('deployments.approve', 'deployment', {
    ...NAMED,
    details: ({ body }) => ({ override: body('override'), reason: body('reason') }),
  })
  @HttpCode(200)
  @BodyExample({ reason: 'tried on staging' })
  @ApiOperation({
    summary: 'Approve a deployment that waits for it',
    description:
      'It continues when its environment has all approvals that it needs, of different people. Who has caused the deployment, or wrote what is in it, may not, unless the environment allows it. An administrator may override, with a reason.',
  })
  @ApiBody({ type: ApproveDto, required: false })
  @ApiOkResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), deploymentOver(), 503)
  async approve(
    @Param('id', UuidPipe) id: string,
    @Body() body: ApproveDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<DeploymentResponse> {
    const { override = false, reason } = body ?? {};
    await this.approvals.approve(id, principal, { override, reason });
    return deploymentResponse(await this.deployments.get(id));
  }

  @Post(':id/reject')
  @Requires('deployments:approve')
  @Audited('deployments.reject', 'deployment', {
    ...NAMED,
    details: ({ body }) => ({ reason: body('reason') }),
  })
  @HttpCode(200)
  @BodyExample({ reason: 'not before the holidays' })
  @ApiOperation({
    summary: 'Say no to a deployment that waits for approvals: it fails',
    description: 'By whoever may approve there; also to what is their own.',
  })
  @ApiBody({ type: RejectDto, required: false })
  @ApiOkResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), deploymentOver(), 503)
  async reject(
    @Param('id', UuidPipe) id: string,
    @Body() body: RejectDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<DeploymentResponse> {
    await this.approvals.reject(id, principal, body?.reason);
    return deploymentResponse(await this.deployments.get(id));
  }

  @Post(':id/cancel')
  @Requires('deployments:deploy')
  @Audited('deployments.cancel', 'deployment', NAMED)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Stop a deployment before it switches; nothing of what serves is changed',
  })
  @ApiOkResponse({ type: DeploymentResponse })
  @ApiErrors(400, 401, notFound('deployment', EXAMPLE_ID), deploymentOver(), hasSwitched(), 503)
  async cancel(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<DeploymentResponse> {
    return deploymentResponse(await this.deployments.cancel(id, principal.id));
  }
}

/** @throws ValidationError */
function publishedOf({ port, address, domain, path }: PublishDto): Published {
  if (domain !== undefined && (port !== undefined || address !== undefined)) {
    throw validationError('publish: a service has a domain, or a port of the host, not both.');
  }
  if (domain !== undefined) return { domain, ...(path !== undefined && { path }) };
  if (path !== undefined) throw validationError('publish: path is of a domain; name it, too.');
  return { address: address ?? LOOPBACK, ...(port !== undefined && { port }) };
}
