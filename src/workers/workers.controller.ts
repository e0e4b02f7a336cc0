import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api-documentation.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import { UuidPipe } from '../common/http/uuid.pipe.js';
import { DrainDto, WorkerDto } from './dto/worker.dto.js';
import { WorkersService } from './workers.service.js';

const NEWEST = 200;

@ApiTags('workers')
@ApiBearerAuth()
@Controller('workers')
export class WorkersController {
  constructor(private readonly workers: WorkersService) {}

  @Get()
  @ApiOperation({ summary: 'The newest 200 workers, live and ended' })
  @ApiOkResponse({ type: [WorkerDto] })
  @ApiErrors(401, 503)
  async list(): Promise<WorkerDto[]> {
    return (await this.workers.list(NEWEST)).map((worker) => WorkerDto.from(worker));
  }

  @Post(':id/drain')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Let a worker finish what it runs and take nothing more',
    description: 'From its next heartbeat on, within 5 s, until it is undone or the worker ends.',
  })
  @ApiBody({ type: DrainDto, required: false })
  @ApiOkResponse({ type: WorkerDto })
  @ApiErrors(400, 401, 404, 409, 413, 415, 503)
  async drain(
    @Param('id', UuidPipe) id: string,
    @Body() body: DrainDto,
    @Req() { actor }: MillraceRequest,
  ): Promise<WorkerDto> {
    return WorkerDto.from(await this.workers.drain(id, actor?.id ?? 'a user', body?.reason));
  }

  @Delete(':id/drain')
  @ApiOperation({ summary: 'Let a drained worker take executions again' })
  @ApiOkResponse({ type: WorkerDto })
  @ApiErrors(400, 401, 404, 409, 503)
  async resume(@Param('id', UuidPipe) id: string): Promise<WorkerDto> {
    return WorkerDto.from(await this.workers.resume(id));
  }
}
