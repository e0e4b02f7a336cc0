import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import {
  AUDIT_ACTION_NAMES,
  AUDIT_OUTCOMES,
  type AuditAction,
  type AuditOutcome,
} from '../../common/audit/audit-actions.js';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../common/http/paging.js';

const MAX_NAME = 200;

export class AuditQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Id or name of who did it.', example: 'ada' })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_NAME)
  actor?: string;

  @ApiPropertyOptional({ enum: AUDIT_ACTION_NAMES })
  @MayBeAbsent()
  @IsIn(AUDIT_ACTION_NAMES)
  action?: AuditAction;

  @ApiPropertyOptional({ description: 'Id or name of what it was done to.', example: 'shop' })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_NAME)
  target?: string;

  @ApiPropertyOptional({ enum: AUDIT_OUTCOMES })
  @MayBeAbsent()
  @IsIn(AUDIT_OUTCOMES)
  outcome?: AuditOutcome;

  @ApiPropertyOptional({ format: 'date-time', description: 'Not before.' })
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  @MaxLength(40)
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Not after.' })
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  @MaxLength(40)
  to?: string;
}

export class VerifyQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description:
      'Begin with this record, which must have the hash `since_hash` still. Together with it, or not at all.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  since_seq?: number;

  @ApiPropertyOptional({ pattern: '^[0-9a-f]{64}$' })
  @MayBeAbsent()
  @Matches(/^[0-9a-f]{64}$/)
  since_hash?: string;
}
