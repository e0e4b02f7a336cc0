import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { ApiErrors, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { scheduleResponse, SchedulesResponse } from './dto/schedule.response.js';
import { SchedulesService } from './schedules.service.js';

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines')
export class SchedulesController {
  constructor(private readonly schedules: SchedulesService) {}

  @Get(':id/schedules')
  @Requires('pipelines:read')
  @ApiOperation({ summary: 'When the pipeline starts by itself, and what came of the last time' })
  @ApiOkResponse({ type: SchedulesResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async list(@Param('id', UuidPipe) id: string): Promise<SchedulesResponse> {
    const { starts, reason, items } = await this.schedules.of(id);
    return { starts, reason, items: items.map(scheduleResponse) };
  }
}
