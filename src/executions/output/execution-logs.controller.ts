import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { ApiErrors, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { clientNetwork } from '../../common/http/client-address.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { ExecutionIdPipe } from '../record/execution-id.pipe.js';
import { parseLastEventId } from '../../logs/feed/execution-feed.js';
import { LogQueryDto } from './dto/log.query.js';
import { ExecutionLogs, tooManyStreams, serverFullOfStreams } from './execution-logs.js';

const JSON_LINES = 'application/x-ndjson';
const PLAIN = 'text/plain';

@ApiTags('executions')
@ApiBearerAuth()
@Controller('ci/executions/:id')
export class ExecutionLogsController {
  constructor(private readonly logs: ExecutionLogs) {}

  @Get('logs')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'The log, as it is now',
    description:
      'One JSON object a line: `{seq, ts, stream, stage, step, attempt, text}`; with `Accept: text/plain` the text as it was printed. Masked.',
  })
  @ApiProduces(JSON_LINES, PLAIN)
  @ApiOkResponse({ description: 'The lines, in order.', schema: { type: 'string' } })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async log(
    @Param('id', ExecutionIdPipe) id: string,
    @Query() query: LogQueryDto,
    @Req() request: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    const { stage, step, attempt, after = 0, limit } = query;
    const format = request.accepts([JSON_LINES, 'application/json', PLAIN]) === PLAIN;
    await this.logs.send(
      id,
      { stage, step, attempt, afterSeq: after, limit },
      format ? 'plain' : 'json-lines',
      response,
    );
  }

  @Get('events')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'Status and log live, as server-sent events',
    description:
      'Events with JSON as data: `status` (the execution without log, outputs and attempts, with `last_seq`), `log` (`{"lines": […]}`, as under /logs; its `id` is the number of the last one) and `done` (like `status`: it is final). `Last-Event-ID` continues behind that line.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, schema: { type: 'string' } })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Events until the end.', schema: { type: 'string' } })
  @ApiErrors(
    400,
    401,
    notFound('execution', EXAMPLE_ID),
    503,
    tooManyStreams(),
    serverFullOfStreams(),
  )
  async events(
    @Param('id', ExecutionIdPipe) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @Req() { clientAddress }: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    // Until everybody has an account, one token may be many people's.
    const caller = `${principal.id} ${clientNetwork(clientAddress)}`;
    await this.logs.follow(id, parseLastEventId(lastEventId), caller, response);
  }
}
