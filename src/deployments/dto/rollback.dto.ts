import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';

export class RollbackDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 2 ** 31 - 1,
    example: 2,
    description: 'Number of the release that is to serve. Absent: the one that served before.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(2 ** 31 - 1)
  release?: number;
}
