import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { FlakyCase } from '../../../engine/reports/flaky.js';
import { TestCountsResponse } from '../../record/dto/execution.response.js';
import type { PipelineTests } from '../pipeline-tests.js';
import type { TestReportSummary } from '../test-reports.repository.js';

const seconds = { type: Number, description: 'Seconds.' } as const;

/** Which case it is. */
export class TestCaseResponse {
  @ApiProperty({ description: 'The innermost suite that has a name.' })
  suite!: string;

  @ApiProperty()
  class_name!: string;

  @ApiProperty()
  name!: string;
}

export class TestFailureResponse extends TestCaseResponse {
  @ApiPropertyOptional()
  file?: string;

  @ApiProperty({ enum: ['failed', 'error'] })
  outcome!: string;

  @ApiPropertyOptional({ description: 'Masked; so is the text.' })
  message?: string;

  @ApiPropertyOptional({ description: 'Class of the exception, or what the tool calls it.' })
  type?: string;

  @ApiPropertyOptional({ description: 'Mostly the stack; a long one is cut.' })
  text?: string;
}

export class SlowTestResponse extends TestCaseResponse {
  @ApiProperty(seconds)
  seconds!: number;
}

/** What the tests of one try of a step said. */
export class TestReportResponse {
  @ApiProperty()
  stage!: string;

  @ApiProperty()
  step!: string;

  @ApiProperty({ description: 'Of the step, from 1.' })
  attempt!: number;

  @ApiProperty({ description: 'Of the execution, from 1.' })
  execution_attempt!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiPropertyOptional({
    description: 'How many were read; 0: the counts say nothing. Absent in older ones.',
  })
  files?: number;

  @ApiProperty({
    type: [String],
    description: 'What was not read, and why: ten, and how many more.',
  })
  problems!: string[];

  @ApiProperty({ type: TestCountsResponse })
  counts!: TestCountsResponse;

  @ApiProperty({ type: [TestFailureResponse], description: 'At most 100.' })
  failures!: TestFailureResponse[];

  @ApiProperty({ description: 'How many failures more there are.' })
  unlisted_failures!: number;

  @ApiProperty({ type: [SlowTestResponse], description: 'At most ten, the slowest first.' })
  slowest!: SlowTestResponse[];
}

export class FlakyTestResponse extends TestCaseResponse {
  @ApiProperty()
  stage!: string;

  @ApiProperty()
  step!: string;

  @ApiPropertyOptional()
  file?: string;

  @ApiProperty({ description: 'Times that it failed, at commits at which it has also passed.' })
  failed!: number;

  @ApiProperty({ description: 'Times that it passed, at the same commits.' })
  passed!: number;

  @ApiProperty({ description: 'At how many commits it has done both.' })
  commits!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Null: none is known.' })
  last_commit!: string | null;

  @ApiProperty({ format: 'uuid' })
  last_execution!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  last_seen!: Date;
}

export class PipelineTestsResponse {
  @ApiProperty({
    description:
      'How many reports were looked at: of those that count the last 100, and no more than 64 MiB of cases.',
  })
  reports!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  since!: Date | null;

  @ApiProperty({ type: [FlakyTestResponse], description: 'Those that fail most come first.' })
  flaky!: FlakyTestResponse[];
}

export function testReportResponse(report: TestReportSummary): TestReportResponse {
  const { stage, step, attempt, execution_attempt, created_at, files, counts } = report;
  return {
    ...{ stage, step, attempt, execution_attempt, created_at, counts },
    ...(files !== undefined && { files }),
    problems: [...(report.problems ?? [])],
    failures: report.failures.map(({ className, ...failure }) => ({
      ...failure,
      class_name: className,
    })),
    unlisted_failures: report.unlisted_failures,
    slowest: [...report.slowest],
  };
}

export function pipelineTestsResponse(tests: PipelineTests): PipelineTestsResponse {
  const { reports, since, flaky } = tests;
  return { reports, since: since ?? null, flaky: flaky.map(flakyResponse) };
}

function flakyResponse(one: FlakyCase): FlakyTestResponse {
  const { stage, step, suite, name, file, failed, passed, commits, lastSeen } = one;
  return {
    ...{ stage, step, suite, name, failed, passed, commits },
    ...(file !== undefined && { file }),
    class_name: one.className,
    last_commit: lastSeen.commit ?? null,
    last_execution: lastSeen.execution,
    last_seen: lastSeen.at,
  };
}
