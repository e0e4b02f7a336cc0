import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { Audited } from '../../common/audit/audited.decorator.js';
import { changedValue } from '../../common/audit/changed.js';
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, pageRequest } from '../../common/http/paging.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryApprovals, otherCommit } from './delivery-approvals.js';
import { DeliveryInbox, noDelivery } from './delivery-inbox.js';
import { SameCommitExecutions } from './same-commit.js';
import {
  AcceptedDeliveryResponse,
  ApproveDeliveryDto,
  ApprovedDeliveryResponse,
  DeliveryListQuery,
  deliveryResponse,
  DeliveryResponse,
  deliverySummary,
  DeliverySummaryResponse,
  ReplayDeliveryDto,
} from './dto/delivery.response.js';

@ApiTags('webhooks')
@ApiBearerAuth()
@Controller('ci/deliveries')
export class DeliveriesController {
  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly inbox: DeliveryInbox,
    private readonly approvals: DeliveryApprovals,
    private readonly sameCommit: SameCommitExecutions,
  ) {}

  @Get()
  @Requires('deliveries:read')
  @ApiOperation({ summary: 'Webhook deliveries, newest first' })
  @ApiPage(DeliverySummaryResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: DeliveryListQuery): Promise<PageBody<DeliverySummaryResponse>> {
    const { repository_id: repositoryId, status, event } = query;
    const filter = { repositoryId, status, event };
    const page = await this.deliveries.list(filter, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(deliverySummary) });
  }

  @Get(':id')
  @Requires('deliveries:read')
  @ApiOperation({ summary: 'One delivery: what it started, and why not more' })
  @ApiOkResponse({ type: DeliveryResponse })
  @ApiErrors(400, 401, noDelivery(EXAMPLE_ID), 503)
  async get(@Param('id', UuidPipe) id: string): Promise<DeliveryResponse> {
    const delivery = await this.deliveries.find(id);
    if (!delivery) throw noDelivery(id);
    return deliveryResponse(delivery, await this.sameCommit.of(delivery));
  }

  @Post(':id/replay')
  @Requires('deliveries:replay')
  @Audited('deliveries.replay', 'delivery', {
    details: ({ body, answer }) => ({
      dry_run: body('dry_run') ?? false,
      new_delivery: answer('delivery_id'),
    }),
  })
  @HttpCode(202)
  @BodyExample({ dry_run: true })
  @ApiOperation({
    summary: 'Decide a delivery once more, by the rules and definitions of now',
    description: 'It is a delivery of its own, and may start executions of its own.',
  })
  @ApiAcceptedResponse({ type: AcceptedDeliveryResponse })
  @ApiErrors(400, 401, noDelivery(EXAMPLE_ID), 503)
  async replay(
    @Param('id', UuidPipe) id: string,
    @Body() body: ReplayDeliveryDto,
  ): Promise<AcceptedDeliveryResponse> {
    return { delivery_id: await this.inbox.replay(id, body?.dry_run ?? false) };
  }

  @Post(':id/approve')
  @Requires('deliveries:approve')
  @Audited('executions.approve', 'execution', {
    id: ({ answer }) => answer('execution_id'),
    details: ({ param, body }) => ({
      delivery_id: param('id'),
      pipeline_id: body('pipeline_id'),
      commit: body('commit'),
    }),
  })
  @HttpCode(202)
  @BodyExample({ pipeline_id: EXAMPLE_ID, commit: '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901' })
  @ApiOperation({
    summary: 'Start what a pull request of another repository asked for',
    description:
      'For one pipeline, at one commit: the next push waits for an approval of its own. Nobody approves a pull request of their own.',
  })
  @ApiAcceptedResponse({ type: ApprovedDeliveryResponse })
  @ApiErrors(
    400,
    401,
    noDelivery(EXAMPLE_ID),
    otherCommit('4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901'),
    503,
  )
  async approve(
    @Param('id', UuidPipe) id: string,
    @Body() { pipeline_id: pipelineId, commit }: ApproveDeliveryDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ApprovedDeliveryResponse> {
    const approved = await this.approvals.approve(id, { pipelineId, commit }, principal);
    return { execution_id: changedValue(approved, response) };
  }
}
