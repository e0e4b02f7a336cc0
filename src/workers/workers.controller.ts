import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api-documentation.js';
import { WorkerDto } from './dto/worker.dto.js';
import { WorkersRepository } from './workers.repository.js';

const NEWEST = 200;

@ApiTags('workers')
@ApiBearerAuth()
@Controller('workers')
export class WorkersController {
  constructor(private readonly workers: WorkersRepository) {}

  @Get()
  @ApiOperation({ summary: 'The newest 200 workers, live and ended' })
  @ApiOkResponse({ type: [WorkerDto] })
  @ApiErrors(401, 503)
  async list(): Promise<WorkerDto[]> {
    return (await this.workers.list(NEWEST)).map((worker) => WorkerDto.from(worker));
  }
}
