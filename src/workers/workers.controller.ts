import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { WorkerDto } from './dto/worker.dto.js';
import { WorkersRepository } from './workers.repository.js';

const NEWEST = 200;

@ApiTags('workers')
@ApiBearerAuth()
@Controller('workers')
export class WorkersController {
  constructor(private readonly workers: WorkersRepository) {}

  /** The newest 200 workers, live and ended. */
  @Get()
  async list(): Promise<WorkerDto[]> {
    return (await this.workers.list(NEWEST)).map((worker) => WorkerDto.from(worker));
  }
}
