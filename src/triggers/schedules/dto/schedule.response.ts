import { ApiProperty } from '@nestjs/swagger';
import { ReasonResponse } from '../../../executions/record/dto/execution.response.js';
import type { Tick } from '../schedule-store.js';
import type { ListedSchedule } from '../schedules.service.js';

export class TickResponse {
  @ApiProperty({ type: String, format: 'date-time' })
  at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  decided_at!: Date;

  @ApiProperty()
  starts!: boolean;

  @ApiProperty({ type: ReasonResponse, description: 'Why it started, or why nothing did.' })
  reason!: ReasonResponse;

  @ApiProperty({ description: 'Of the version that counted.' })
  version!: number;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  execution_id!: string | null;
}

export class ScheduleResponse {
  @ApiProperty({ example: '0 3 * * *' })
  cron!: string;

  @ApiProperty({ example: 'Europe/Vienna' })
  timezone!: string;

  @ApiProperty({ description: 'Whether the newest tick that was missed is made up for.' })
  catch_up!: boolean;

  @ApiProperty({
    type: [String],
    format: 'date-time',
    description: 'The next five times in UTC, also while nothing starts at them.',
  })
  next!: readonly Date[];

  @ApiProperty({ type: TickResponse, nullable: true, description: 'Null: none has come yet.' })
  last!: TickResponse | null;
}

export class SchedulesResponse {
  @ApiProperty({ description: 'Whether a tick that comes now starts the pipeline.' })
  starts!: boolean;

  @ApiProperty({ type: ReasonResponse })
  reason!: ReasonResponse;

  @ApiProperty({ type: [ScheduleResponse] })
  items!: readonly ScheduleResponse[];
}

export function scheduleResponse({ rule, next, last }: ListedSchedule): ScheduleResponse {
  const { cron, timezone, catchUp } = rule;
  return { cron, timezone, catch_up: catchUp, next, last: last && tickResponse(last) };
}

function tickResponse({ at, decidedAt, starts, reason, version, executionId }: Tick): TickResponse {
  return { at, decided_at: decidedAt, starts, reason, version, execution_id: executionId };
}
