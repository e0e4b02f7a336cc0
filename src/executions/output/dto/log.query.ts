import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

const MAX_SEQ = Number.MAX_SAFE_INTEGER;

export class LogQueryDto {
  @ApiPropertyOptional({ description: 'Only lines of this stage.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  stage?: string;

  @ApiPropertyOptional({ description: 'Only lines of steps of this name.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  step?: string;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Only lines of this attempt of the step, from 1.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  attempt?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Only lines behind this `seq`.',
    default: 0,
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  after?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'At most so many lines; without it, all.' })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  limit?: number;
}
