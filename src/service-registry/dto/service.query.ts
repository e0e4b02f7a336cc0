import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../common/http/paging.js';
import { SERVICE_STATUSES, type ServiceStatus } from '../checks/service-status.js';
import { NAME } from './service.dto.js';

/** Which services a list shows. */
export class ServiceQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'production' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(63)
  environment?: string;

  @ApiPropertyOptional({ example: 'shop' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(63)
  name?: string;

  @ApiPropertyOptional({ example: 'web' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(63)
  tag?: string;

  @ApiPropertyOptional({ enum: SERVICE_STATUSES })
  @MayBeAbsent()
  @IsIn(SERVICE_STATUSES)
  status?: ServiceStatus;
}

/** Which service is looked for. */
export class DiscoveryQuery {
  @ApiPropertyOptional({ example: 'production', default: 'default', pattern: NAME.source })
  @MayBeAbsent()
  @Matches(NAME, {
    message: 'environment must be 1 to 63 small letters, digits and hyphens, such as production',
  })
  environment?: string;
}

export const USUAL_LINES = 100;
const MOST_LINES = 5_000;

/** How much of a log is shown. */
export class LogQuery {
  @ApiPropertyOptional({
    ...{ type: 'integer', minimum: 1, maximum: MOST_LINES, default: USUAL_LINES, example: 20 },
    description: 'The last ones.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST_LINES)
  lines?: number;
}
