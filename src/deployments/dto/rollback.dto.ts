import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';

const MAX_RELEASE = 2 ** 31 - 1;

export class RollbackDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_RELEASE,
    example: 2,
    description: 'Number of the release that is to serve. Absent: the one that served before.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MAX_RELEASE)
  release?: number;

  @ApiPropertyOptional({
    default: false,
    description:
      'Of a program: with the variables and secrets of what serves now, and not with those of the release, which is copied for that and has another number.',
  })
  @MayBeAbsent()
  @IsBoolean()
  current_environment?: boolean;
}

export class RollbackQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_RELEASE,
    example: 2,
    description: 'Number of the release that would serve. Absent: the one that served before.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_RELEASE)
  release?: number;
}
