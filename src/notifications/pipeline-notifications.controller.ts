import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { notFound } from '../common/errors/millrace.error.js';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited } from '../common/audit/audited.decorator.js';
import { ApiErrors, ApiPage, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../common/http/paging.js';
import { UuidPipe } from '../common/http/uuid.pipe.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { ChannelNamePipe } from './channels/channel-name.pipe.js';
import { PipelineChannelsService } from './channels/pipeline-channels.service.js';
import { executionAlertResponse, ExecutionAlertResponse } from './dto/alert.dto.js';
import {
  PipelineChannelListResponse,
  pipelineChannelResponse,
  PipelineChannelResponse,
  SetPipelineChannelDto,
} from './dto/channel.dto.js';
import { noMailServer, tooManyChannels } from './channels/kept-channels.js';

const NAME = { name: 'name', description: 'Of the channel.', example: 'on-call' };

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines')
export class PipelineNotificationsController {
  constructor(
    private readonly channels: PipelineChannelsService,
    private readonly config: MillraceConfig,
  ) {}

  @Get(':id/alerts')
  @Requires('pipelines:read')
  @ApiOperation({
    summary:
      'What was told of ends of executions, the newest first, and what became of each delivery',
  })
  @ApiPage(ExecutionAlertResponse)
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async alerts(
    @Param('id', UuidPipe) id: string,
    @Query() query: PageQuery,
  ): Promise<PageBody<ExecutionAlertResponse>> {
    const page = await this.channels.told(id, pageRequest(query));
    const { publicUrl } = this.config;
    return pageBody({
      ...page,
      items: page.items.map((one) => executionAlertResponse(one, publicUrl)),
    });
  }

  @Get(':id/channels')
  @Requires('pipelines:read')
  @ApiOperation({
    summary: 'By which channels people hear of ends of executions; not where they lead',
  })
  @ApiOkResponse({ type: PipelineChannelListResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async list(@Param('id', UuidPipe) id: string): Promise<PipelineChannelListResponse> {
    return { items: (await this.channels.list(id)).map(pipelineChannelResponse) };
  }

  @Put(':id/channels/:name')
  @Requires('pipelines:write')
  @Audited('pipelines.set_channel', 'pipeline', {
    details: ({ param, body }) => ({ channel: param('name'), type: body('type') }),
  })
  @ApiParam(NAME)
  @BodyExample({ type: 'webhook', url: 'https://hooks.example/alerts/1' })
  @ApiOperation({
    summary: 'Make or replace a channel of a pipeline, whole',
    description:
      'Private addresses only where ALLOW_PRIVATE_URLS has them; `email` only where SMTP_URL is set.',
  })
  @ApiOkResponse({ type: PipelineChannelResponse })
  @ApiErrors(
    400,
    401,
    notFound('pipeline', EXAMPLE_ID),
    tooManyChannels('shop'),
    413,
    415,
    noMailServer(),
    503,
  )
  async set(
    @Param('id', UuidPipe) id: string,
    @Param('name', ChannelNamePipe) name: string,
    @Body() body: SetPipelineChannelDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<PipelineChannelResponse> {
    return pipelineChannelResponse(await this.channels.set(id, name, body, principal.id));
  }

  @Delete(':id/channels/:name')
  @Requires('pipelines:write')
  @Audited('pipelines.remove_channel', 'pipeline', {
    details: ({ param }) => ({ channel: param('name') }),
  })
  @HttpCode(204)
  @ApiParam(NAME)
  @ApiOperation({ summary: 'Remove a channel of a pipeline; what it was not told yet is given up' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), notFound('channel', 'on-call'), 503)
  async remove(
    @Param('id', UuidPipe) id: string,
    @Param('name', ChannelNamePipe) name: string,
  ): Promise<void> {
    await this.channels.remove(id, name);
  }
}
