import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { type LogLevel, LOG_LEVELS } from '../../common/logging/process-log-level.js';
import type { LevelState } from '../log-level.service.js';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';

/** No level stays for longer: somebody would forget it. */
const MOST_SECONDS = 86_400;

export class SetLogLevelDto {
  @ApiProperty({ enum: LOG_LEVELS, example: 'debug' })
  @IsIn(LOG_LEVELS)
  level!: LogLevel;

  @ApiPropertyOptional({
    default: 900,
    minimum: 1,
    maximum: MOST_SECONDS,
    type: 'integer',
    description: 'Seconds until every process logs again as LOG_LEVEL says.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MOST_SECONDS)
  for_seconds?: number;

  @ApiPropertyOptional({ maxLength: 200, example: 'clones hang since noon' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  @Matches(/^[^\x00-\x1f\x7f]*$/, { message: 'reason must be one line' })
  reason?: string;
}

export class LogLevelOverrideDto {
  @ApiProperty({ enum: LOG_LEVELS })
  level!: LogLevel;

  @ApiProperty({ description: 'Who set it.', example: 'token' })
  by!: string;

  @ApiProperty({ type: String, nullable: true })
  reason!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  since!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  until!: Date;
}

export class LogLevelDto {
  @ApiProperty({ description: 'What the process that answers logs now.', example: 'info' })
  level!: string;

  @ApiProperty({ description: 'Its LOG_LEVEL.', example: 'info' })
  configured!: string;

  @ApiProperty({ type: LogLevelOverrideDto, nullable: true })
  override!: LogLevelOverrideDto | null;

  static from(state: LevelState): LogLevelDto {
    return { ...state };
  }
}
