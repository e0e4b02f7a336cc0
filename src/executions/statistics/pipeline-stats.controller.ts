import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { ApiErrors, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import {
  PipelineStatsQuery,
  pipelineStatsResponse,
  PipelineStatsResponse,
} from './dto/pipeline-stats.dto.js';
import { PipelineStatsService } from './pipeline-stats.service.js';

const DEFAULT_DAYS = 30;

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines/:id/stats')
export class PipelineStatsController {
  constructor(private readonly stats: PipelineStatsService) {}

  @Get()
  @Requires('pipelines:read')
  @ApiOperation({ summary: 'How the pipeline did lately: success, durations, unsteady steps' })
  @ApiOkResponse({ type: PipelineStatsResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async get(
    @Param('id', UuidPipe) id: string,
    @Query() { days = DEFAULT_DAYS }: PipelineStatsQuery,
  ): Promise<PipelineStatsResponse> {
    return pipelineStatsResponse(id, days, await this.stats.report(id, days));
  }
}
