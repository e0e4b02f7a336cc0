import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsISO8601, IsString, Max, MaxLength, Min, MinLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import type { MaintenanceWindow } from '../record/maintenance.js';

const date = { type: String, format: 'date-time' } as const;
const MOST_MINUTES = 30 * 24 * 60;
const MOST_REASON = 500;

/** Body of `POST /api/services/:id/maintenance`: `minutes` or `until`. */
export class BeginMaintenanceDto {
  @ApiPropertyOptional({
    ...{ type: 'integer', minimum: 1, maximum: MOST_MINUTES, example: 30 },
    description: 'How long it lasts.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MOST_MINUTES)
  minutes?: number;

  @ApiPropertyOptional({ ...date, description: 'When it ends, within the next 30 days.' })
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  until?: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: MOST_REASON, example: 'a new disk' })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MOST_REASON)
  reason?: string;
}

/** A time in which nobody is told of what becomes of a service. */
export class MaintenanceResponse {
  @ApiProperty(date)
  from!: Date;

  @ApiProperty({ ...date, description: 'When it ends by itself.' })
  until!: Date;

  @ApiProperty({ type: String, nullable: true, example: 'a new disk' })
  reason!: string | null;

  @ApiProperty({ description: 'Id of the account that began it.' })
  by!: string;
}

export function maintenanceResponse(window: MaintenanceWindow): MaintenanceResponse {
  const { from, until, reason, by } = window;
  return { from, until, reason, by };
}
