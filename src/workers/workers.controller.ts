import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '../common/errors/millrace.error.js';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited } from '../common/audit/audited.decorator.js';
import { ApiErrors, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { UuidPipe } from '../common/http/uuid.pipe.js';
import { DrainDto, WorkerDto } from './dto/worker.dto.js';
import { WorkersService, workerEnded } from './workers.service.js';

const NEWEST = 200;

@ApiTags('workers')
@ApiBearerAuth()
@Controller('workers')
export class WorkersController {
  constructor(private readonly workers: WorkersService) {}

  @Get()
  @Requires('workers:read')
  @ApiOperation({ summary: 'The newest 200 workers, live and ended' })
  @ApiOkResponse({ type: [WorkerDto] })
  @ApiErrors(401, 503)
  async list(): Promise<WorkerDto[]> {
    return (await this.workers.list(NEWEST)).map((worker) => WorkerDto.from(worker));
  }

  @Post(':id/drain')
  @Requires('workers:drain')
  @Audited('workers.drain', 'worker')
  @HttpCode(200)
  @BodyExample({ reason: 'kernel update' })
  @ApiOperation({
    summary: 'Let a worker finish what it runs and take nothing more',
    description: 'From its next heartbeat on, within 5 s, until it is undone or the worker ends.',
  })
  @ApiBody({ type: DrainDto, required: false })
  @ApiOkResponse({ type: WorkerDto })
  @ApiErrors(
    400,
    401,
    notFound('worker', EXAMPLE_ID),
    workerEnded(EXAMPLE_ID, 'lost'),
    413,
    415,
    503,
  )
  async drain(
    @Param('id', UuidPipe) id: string,
    @Body() body: DrainDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<WorkerDto> {
    return WorkerDto.from(await this.workers.drain(id, principal.id, body?.reason));
  }

  @Delete(':id/drain')
  @Requires('workers:drain')
  @Audited('workers.resume', 'worker')
  @ApiOperation({ summary: 'Let a drained worker take executions again' })
  @ApiOkResponse({ type: WorkerDto })
  @ApiErrors(400, 401, notFound('worker', EXAMPLE_ID), workerEnded(EXAMPLE_ID, 'lost'), 503)
  async resume(@Param('id', UuidPipe) id: string): Promise<WorkerDto> {
    return WorkerDto.from(await this.workers.resume(id));
  }
}
