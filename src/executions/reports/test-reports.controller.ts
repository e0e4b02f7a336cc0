import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { ApiErrors, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ExecutionIdPipe } from '../record/execution-id.pipe.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import {
  pipelineTestsResponse,
  PipelineTestsResponse,
  testReportResponse,
  TestReportResponse,
} from './dto/test-report.response.js';
import { PipelineTestsService } from './pipeline-tests.js';
import { TestReportsRepository } from './test-reports.repository.js';

/** What tests said. */
@ApiBearerAuth()
@Controller('ci')
export class TestReportsController {
  constructor(
    private readonly reports: TestReportsRepository,
    private readonly tests: PipelineTestsService,
    private readonly executions: ExecutionsRepository,
    private readonly pipelines: PipelinesService,
  ) {}

  @Get('executions/:id/reports')
  @Requires('executions:read')
  @ApiTags('executions')
  @ApiOperation({
    summary: 'What its tests said',
    description:
      'For each try of a step with `reports`: counts, failures with their text, the slowest, and what was not read.',
  })
  @ApiOkResponse({ type: [TestReportResponse] })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async ofExecution(@Param('id', ExecutionIdPipe) id: string): Promise<TestReportResponse[]> {
    await this.executions.demand(id);
    return (await this.reports.ofExecution(id)).map(testReportResponse);
  }

  @Get('pipelines/:id/tests')
  @Requires('pipelines:read')
  @ApiTags('pipelines')
  @ApiOperation({
    summary: 'Flaky tests: failed and passed at the same commit',
    description:
      'In tries of a step, in retries within a report, or in re-runs. What a pull request of another repository ran does not count.',
  })
  @ApiOkResponse({ type: PipelineTestsResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async ofPipeline(@Param('id', UuidPipe) id: string): Promise<PipelineTestsResponse> {
    await this.pipelines.getHead(id);
    return pipelineTestsResponse(await this.tests.of(id));
  }
}
