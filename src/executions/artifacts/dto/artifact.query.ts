import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

const MAX_ATTEMPT = 1_000;

/** Which of several artifacts of one path; without it the last one. */
export class ArtifactQueryDto {
  @ApiPropertyOptional({ description: 'Of this stage.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  stage?: string;

  @ApiPropertyOptional({ description: 'Of steps of this name.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  step?: string;

  @ApiPropertyOptional({ type: 'integer', description: 'Of this attempt of the step, from 1.' })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_ATTEMPT)
  attempt?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Of this attempt of the execution, from 1.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_ATTEMPT)
  execution_attempt?: number;
}

export class ArtifactArchiveQueryDto {
  @ApiPropertyOptional({
    type: [String],
    description: 'Patterns of paths, as in `artifacts`; may be given several times. Default: all.',
  })
  @MayBeAbsent()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @MaxLength(1_024, { each: true })
  paths?: string[];
}
