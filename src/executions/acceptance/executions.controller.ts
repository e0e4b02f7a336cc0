import {
  applyDecorators,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { Audited, type AuditFacts } from '../../common/audit/audited.decorator.js';
import {
  ApiErrors,
  ApiList,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type ListBody, listBody, pageOf, pageRequest } from '../../common/http/paging.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Idempotent, Reserved } from '../../idempotency/idempotent.decorator.js';
import type { Reservation } from '../../idempotency/reservation.js';
import { TriggerDto } from '../../pipelines/trigger-request/dto/trigger.dto.js';
import { triggerEnvironment } from '../../pipelines/trigger-request/trigger-environment.js';
import { triggerRepository } from '../../pipelines/trigger-request/trigger-repository.js';
import { ExplanationResponse } from '../explanation/dto/explanation.response.js';
import { ExecutionExplainer } from '../explanation/execution-explainer.js';
import { ExecutionWaits } from '../explanation/execution-waits.js';
import { ExecutionLogs } from '../output/execution-logs.js';
import {
  AcceptedExecutionResponse,
  executionResponse,
  ExecutionResponse,
  executionSummary,
  ExecutionSummaryResponse,
} from '../record/dto/execution.response.js';
import { CancelDto, CancelResponse, RerunDto } from './dto/execution-commands.dto.js';
import { ExecutionListQuery } from './dto/execution-list.query.js';
import { ExecutionIdPipe } from '../record/execution-id.pipe.js';
import type { AcceptedExecution } from './accept-execution.js';
import { ApproveStepDto, RejectStepDto } from '../approvals/dto/step-approval.dto.js';
import { stepApprovalResponse } from '../approvals/step-approval-response.js';
import { StepApprovals, nothingWaits, inputsNotAsked } from '../approvals/step-approvals.js';
import {
  ExecutionsService,
  pipelineDisabled,
  notOver,
  overAlready,
  inputsUnfit,
} from './executions.service.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import {
  EXAMPLE_EXECUTION,
  EXAMPLE_EXPLANATION,
  EXAMPLE_SUMMARY,
} from '../record/dto/execution.example.js';

const LOG_TAIL = 100;

const EXAMPLE_INPUT_PROBLEMS = resolveInputs(
  { inputs: [{ name: 'version', type: 'string', required: true, options: [] }] },
  {},
).problems;

/** A number of an execution (`shop#42`) in the path has become its id in the answer. */
const CANCELLED = {
  id: ({ answer, param }: AuditFacts) => answer('execution_id') ?? param('id'),
};

/** What both ways to cancel have in common. */
function CancelRoute(): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary: 'Cancel; the execution ends `cancelled` and nothing else' }),
    ApiBody({ type: CancelDto, required: false }),
    BodyExample({ reason: 'wrong branch' }),
    ApiOkResponse({ type: CancelResponse }),
    ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), overAlready(EXAMPLE_ID, 'success'), 503),
  );
}

@ApiTags('executions')
@ApiBearerAuth()
@Controller('ci')
export class ExecutionsController {
  constructor(
    private readonly executions: ExecutionsService,
    private readonly explainer: ExecutionExplainer,
    private readonly waits: ExecutionWaits,
    private readonly logs: ExecutionLogs,
    private readonly approvals: StepApprovals,
    private readonly config: MillraceConfig,
  ) {}

  @Post('pipelines/:id/trigger')
  @Requires('executions:trigger')
  @Audited('executions.trigger', 'execution', {
    id: ({ answer }) => answer('execution_id'),
    details: ({ param, body, answer }) => ({
      pipeline_id: param('id'),
      number: answer('number'),
      trigger_type: body('trigger_type'),
    }),
    // The execution itself says who has started it.
    recordedBy: 'later',
  })
  @Idempotent()
  @HttpCode(202)
  @BodyExample({ environment: { GREETING: 'Good morning' } })
  @ApiOperation({ summary: "Run the pipeline's current version; answers at once" })
  @ApiBody({ type: TriggerDto, required: false })
  @ApiAcceptedResponse({ type: AcceptedExecutionResponse })
  @ApiErrors(
    400,
    401,
    notFound('pipeline', EXAMPLE_ID),
    pipelineDisabled(EXAMPLE_ID),
    inputsUnfit(EXAMPLE_INPUT_PROBLEMS),
    503,
  )
  async trigger(
    @Param('id', UuidPipe) id: string,
    @Body() body: TriggerDto,
    @CurrentPrincipal() principal: Principal,
    @Reserved() reservation: Reservation,
  ): Promise<AcceptedExecutionResponse> {
    const accepted = await this.executions.trigger(
      id,
      {
        triggerType: body.trigger_type,
        branch: body.branch,
        tag: body.tag,
        commitHash: body.commit_hash?.toLowerCase(),
        repository: triggerRepository(body.repository, this.config),
        environment: triggerEnvironment(body.environment ?? {}),
        inputs: body.inputs,
      },
      principal,
      reservation,
    );
    return acceptedResponse(accepted);
  }

  @Get('executions')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'Executions, newest first',
    description: 'Without limit and cursor: the bare list of the newest 50, with a Link header.',
  })
  @ApiList(ExecutionSummaryResponse, [EXAMPLE_SUMMARY])
  @ApiErrors(400, 401, 503)
  async list(
    @Query() query: ExecutionListQuery,
    @Req() request: MillraceRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ListBody<ExecutionSummaryResponse>> {
    const { limit, after } = pageRequest(query);
    const filter = {
      pipelineId: query.pipeline_id,
      status: query.status,
      branch: query.branch,
    };
    const rows = await this.executions.list(filter, limit + 1, after);
    const page = pageOf(rows.map(executionSummary), limit, ({ id }) => id);
    return listBody(page, query, request, response);
  }

  @Get('executions/:id')
  @Requires('executions:read')
  @ApiOperation({ summary: 'One execution, live while it runs' })
  @ApiOkResponse({ type: ExecutionResponse, example: EXAMPLE_EXECUTION })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async get(@Param('id', ExecutionIdPipe) id: string): Promise<ExecutionResponse> {
    const execution = await this.executions.get(id);
    const [logs, waitsFor, approvals] = await Promise.all([
      this.logs.tail(execution, LOG_TAIL),
      this.waits.of(execution),
      this.approvals.viewOf(execution),
    ]);
    return executionResponse(execution, logs, waitsFor, approvals.map(stepApprovalResponse));
  }

  @Get('executions/:id/explain')
  @Requires('executions:read')
  @ApiOperation({ summary: 'Why each stage and step ran, waits or was skipped' })
  @ApiOkResponse({ type: ExplanationResponse, example: EXAMPLE_EXPLANATION })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async explain(@Param('id', ExecutionIdPipe) id: string): Promise<ExplanationResponse> {
    return this.explainer.explain(await this.executions.get(id));
  }

  @Post('executions/:id/rerun')
  @Requires('executions:trigger')
  @Audited('executions.rerun', 'execution', {
    id: ({ answer }) => answer('execution_id'),
    details: ({ param, answer }) => ({ rerun_of: param('id'), number: answer('number') }),
    recordedBy: 'later',
  })
  @Idempotent()
  @HttpCode(202)
  @BodyExample({ mode: 'all' })
  @ApiOperation({
    summary: 'Run the same plan again, at the same commit',
    description:
      'What a pull request of another repository started needs an approval each time: only who may approve it may run it again.',
  })
  @ApiBody({ type: RerunDto, required: false })
  @ApiAcceptedResponse({ type: AcceptedExecutionResponse })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), notOver(EXAMPLE_ID, 'running'), 503)
  async rerun(
    @Param('id', ExecutionIdPipe) id: string,
    @Body() _body: RerunDto,
    @CurrentPrincipal() principal: Principal,
    @Reserved() reservation: Reservation,
  ): Promise<AcceptedExecutionResponse> {
    return acceptedResponse(await this.executions.rerun(id, principal, reservation));
  }

  @Post('executions/:id/approve')
  @Requires('executions:approve')
  @Audited('executions.approve_step', 'execution', {
    id: ({ param }) => param('id'),
    details: ({ body }) => ({
      step: body('step'),
      override: body('override'),
      reason: body('reason'),
    }),
  })
  @HttpCode(200)
  @BodyExample({ reason: 'tried on staging' })
  @ApiOperation({
    summary: 'Approve a step that waits for it',
    description:
      'The execution continues once the step has all approvals that it needs, of different people. Who has caused the execution, or wrote what it runs, may not. An administrator may override, with a reason.',
  })
  @ApiBody({ type: ApproveStepDto, required: false })
  @ApiOkResponse({ type: ExecutionResponse, example: EXAMPLE_EXECUTION })
  @ApiErrors(
    400,
    401,
    notFound('execution', EXAMPLE_ID),
    nothingWaits(undefined, []),
    inputsNotAsked(EXAMPLE_INPUT_PROBLEMS),
    503,
  )
  async approve(
    @Param('id', ExecutionIdPipe) id: string,
    @Body() body: ApproveStepDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ExecutionResponse> {
    const { step, reason, inputs, override = false } = body ?? {};
    await this.approvals.approve(id, principal, { step, reason, inputs, override });
    return this.get(id);
  }

  @Post('executions/:id/reject')
  @Requires('executions:approve')
  @Audited('executions.reject_step', 'execution', {
    id: ({ param }) => param('id'),
    details: ({ body }) => ({ step: body('step'), reason: body('reason') }),
  })
  @HttpCode(200)
  @BodyExample({ reason: 'not before the holidays' })
  @ApiOperation({
    summary: 'Say no to a step that waits for approvals: it fails',
    description: 'By whoever may approve it; also to what is their own.',
  })
  @ApiBody({ type: RejectStepDto, required: false })
  @ApiOkResponse({ type: ExecutionResponse, example: EXAMPLE_EXECUTION })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), nothingWaits(undefined, []), 503)
  async reject(
    @Param('id', ExecutionIdPipe) id: string,
    @Body() body: RejectStepDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ExecutionResponse> {
    await this.approvals.reject(id, principal, { step: body?.step, reason: body?.reason });
    return this.get(id);
  }

  @Delete('executions/:id/cancel')
  @Requires('executions:cancel')
  @Audited('executions.cancel', 'execution', CANCELLED)
  @CancelRoute()
  async cancelByDelete(
    @Param('id', ExecutionIdPipe) id: string,
    @Body() body: CancelDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CancelResponse> {
    return this.cancel(id, body, principal);
  }

  // Here and not in `CancelRoute`: the Swagger plugin looks for it on the method, and names 201
  // otherwise.
  @Post('executions/:id/cancel')
  @Requires('executions:cancel')
  @Audited('executions.cancel', 'execution', CANCELLED)
  @HttpCode(200)
  @CancelRoute()
  async cancel(
    @Param('id', ExecutionIdPipe) id: string,
    @Body() body: CancelDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CancelResponse> {
    await this.executions.cancel(id, principal.id, body?.reason);
    return { message: 'Cancelled.', execution_id: id };
  }
}

function acceptedResponse(accepted: AcceptedExecution): AcceptedExecutionResponse {
  const { executionId, number, message } = accepted;
  return { execution_id: executionId, number, message };
}
