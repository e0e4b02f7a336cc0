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
import { type PageBody, pageBody, pageRequest } from '../common/http/paging.js';
import { ServiceIdPipe } from '../service-registry/service-id.pipe.js';
import type { ServiceName } from '../service-registry/services.service.js';
import { isOfService } from './alerts/alert.js';
import { AlertsService } from './alerts/alerts.service.js';
import { ChannelNamePipe } from './channels/channel-name.pipe.js';
import { ChannelsService } from './channels/channels.service.js';
import { AlertQuery, alertResponse, AlertResponse } from './dto/alert.dto.js';
import {
  ChannelListResponse,
  channelResponse,
  ChannelResponse,
  SetChannelDto,
} from './dto/channel.dto.js';
import { noMailServer, tooManyChannels } from './channels/kept-channels.js';

const ID = {
  name: 'id',
  description: 'Its UUID, or `environment%2Fname`.',
  schema: { type: 'string' as const, example: 'production%2Fshop' },
};
const NAME = { name: 'name', description: 'Of the channel.', example: 'on-call' };

@ApiTags('services')
@ApiBearerAuth()
@Controller('services')
export class NotificationsController {
  constructor(
    private readonly channels: ChannelsService,
    private readonly alerts: AlertsService,
  ) {}

  @Get(':id/alerts')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({
    summary: 'What was told of a service, the newest first, and what became of each delivery',
  })
  @ApiPage(AlertResponse)
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async list(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Query() query: AlertQuery,
  ): Promise<PageBody<AlertResponse>> {
    const { of = 'service' } = query;
    const page = await this.alerts.list(id, of, pageRequest(query));
    return pageBody({ ...page, items: page.items.filter(isOfService).map(alertResponse) });
  }

  @Get(':id/channels')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({ summary: 'By which channels people hear of a service; not where they lead' })
  @ApiOkResponse({ type: ChannelListResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async listChannels(@Param('id', ServiceIdPipe) id: ServiceName): Promise<ChannelListResponse> {
    return { items: (await this.channels.list(id)).map(channelResponse) };
  }

  @Put(':id/channels/:name')
  @Requires('services:register')
  @Audited('services.set_channel', 'service', {
    details: ({ param, body }) => ({ channel: param('name'), type: body('type') }),
  })
  @ApiParam(ID)
  @ApiParam(NAME)
  @BodyExample({ type: 'webhook', url: 'https://hooks.example/alerts/1' })
  @ApiOperation({
    summary: 'Make or replace a channel, whole',
    description:
      'Private addresses only where ALLOW_PRIVATE_URLS has them; `email` only where SMTP_URL is set.',
  })
  @ApiOkResponse({ type: ChannelResponse })
  @ApiErrors(
    400,
    401,
    notFound('service', EXAMPLE_ID),
    tooManyChannels('production/shop'),
    413,
    415,
    noMailServer(),
    503,
  )
  async set(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Param('name', ChannelNamePipe) name: string,
    @Body() body: SetChannelDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ChannelResponse> {
    return channelResponse(await this.channels.set(id, name, body, principal.id));
  }

  @Delete(':id/channels/:name')
  @Requires('services:register')
  @Audited('services.remove_channel', 'service', {
    details: ({ param }) => ({ channel: param('name') }),
  })
  @HttpCode(204)
  @ApiParam(ID)
  @ApiParam(NAME)
  @ApiOperation({ summary: 'Remove a channel; what it was not told yet is given up' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), notFound('channel', 'on-call'), 503)
  async remove(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Param('name', ChannelNamePipe) name: string,
  ): Promise<void> {
    await this.channels.remove(id, name);
  }
}
