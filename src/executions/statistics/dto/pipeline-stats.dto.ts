import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import type { PipelineReport } from '../pipeline-stats.service.js';

export class PipelineStatsQuery {
  @ApiPropertyOptional({
    type: 'integer',
    description: 'Executions accepted in so many days up to now.',
    minimum: 1,
    maximum: 365,
    default: 30,
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(365)
  days?: number;
}

export class PercentilesResponse {
  @ApiProperty({ type: Number, nullable: true, example: 41_200, description: 'Milliseconds.' })
  p50!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 77_900, description: 'Milliseconds.' })
  p95!: number | null;
}

export class UnsteadyStepResponse {
  @ApiProperty({ example: 'test' })
  stage!: string;

  @ApiProperty({ example: 'e2e' })
  step!: string;

  @ApiProperty({ example: 40, description: 'Executions in which it ran to an end.' })
  runs!: number;

  @ApiProperty({ example: 2, description: 'Failed or timed out.' })
  failed!: number;

  @ApiProperty({ example: 3, description: 'Passed after a failed attempt.' })
  flaky!: number;

  @ApiProperty({ example: 0.125, description: 'Failed or flaky, of all runs: 0 to 1.' })
  share!: number;
}

export class LastExecutionResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  finished_at!: Date;
}

export class DayStatsResponse {
  @ApiProperty({ example: '2026-01-31', description: 'UTC, of the acceptance.' })
  day!: string;

  @ApiProperty({ example: 9 })
  success!: number;

  @ApiProperty({ example: 1, description: 'Failed or timed out.' })
  failed!: number;

  @ApiProperty({ example: 0 })
  other!: number;
}

export class PipelineStatsResponse {
  @ApiProperty({ format: 'uuid' })
  pipeline_id!: string;

  @ApiProperty({ example: 30 })
  days!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  from!: Date;

  @ApiProperty({
    example: 312,
    description: 'Finished executions that this is made from, the newest ones; at most 1,000.',
  })
  looked_at!: number;

  @ApiProperty({ example: false, description: 'The window holds more than was looked at.' })
  cut!: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    example: { success: 300, failed: 12 },
  })
  by_status!: Record<string, number>;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 0.9615,
    description: 'Successes among successes, failures and timeouts: 0 to 1.',
  })
  success_rate!: number | null;

  @ApiProperty({ type: PercentilesResponse, description: 'Of successes.' })
  duration_ms!: PercentilesResponse;

  @ApiProperty({ type: PercentilesResponse, description: 'From the acceptance to the start.' })
  queue_ms!: PercentilesResponse;

  @ApiProperty({
    type: [UnsteadyStepResponse],
    description: 'Steps that failed or were flaky, the worst first; at most 20.',
  })
  unsteady_steps!: readonly UnsteadyStepResponse[];

  @ApiProperty({ type: LastExecutionResponse, nullable: true })
  last_success!: LastExecutionResponse | null;

  @ApiProperty({ type: LastExecutionResponse, nullable: true })
  last_failure!: LastExecutionResponse | null;

  @ApiProperty({ type: [DayStatsResponse], description: 'Days with executions, oldest first.' })
  by_day!: readonly DayStatsResponse[];
}

export function pipelineStatsResponse(
  pipelineId: string,
  days: number,
  report: PipelineReport,
): PipelineStatsResponse {
  return { pipeline_id: pipelineId, days, ...report };
}
