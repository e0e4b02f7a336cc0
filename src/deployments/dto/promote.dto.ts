import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { ADDRESSES, DOMAIN, ROUTE_PATH } from '../../engine/steps/deploy/published-reader.js';
import { SERVICE_NAME } from '../../engine/steps/deploy/service-name.js';

/** Of the root `/`, name by name; none is `.` or `..`, and `/` is not at the end. */
const WHOLE_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0\n]+)+$/;
const MAX_PORT = 65_535;

/** A port of the host, or a domain. */
export class PublishDto {
  @ApiPropertyOptional({ example: 8080, minimum: 1, maximum: MAX_PORT })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MAX_PORT)
  port?: number;

  @ApiPropertyOptional({ enum: ADDRESSES, default: ADDRESSES[0] })
  @MayBeAbsent()
  @IsIn(ADDRESSES)
  address?: (typeof ADDRESSES)[number];

  @ApiPropertyOptional({ example: 'shop.example', maxLength: 253, pattern: DOMAIN.source })
  @MayBeAbsent()
  @IsString()
  @MaxLength(253)
  @Matches(DOMAIN)
  domain?: string;

  @ApiPropertyOptional({
    ...{ example: '/api', maxLength: 500, pattern: ROUTE_PATH.source },
    description: 'Of the domain.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(500)
  @Matches(ROUTE_PATH)
  path?: string;
}

export class PromoteDto {
  @ApiProperty({ example: 'production', maxLength: 63, pattern: SERVICE_NAME.source })
  @IsString()
  @Matches(SERVICE_NAME)
  environment!: string;

  @ApiPropertyOptional({
    ...{ example: '/srv/www/shop', maxLength: 1024, pattern: WHOLE_PATH.source },
    description:
      'Of a release that is a folder: the folder of the host, below one of `DEPLOY_FOLDERS`. Only needed the first time: the service stays where it is.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(1024)
  @Matches(WHOLE_PATH)
  path?: string;

  @ApiPropertyOptional({
    type: PublishDto,
    description:
      'Of a release that is a program: where the outside reaches it. Absent: where it is reached there already, or a port of `PORT_RANGE`.',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => PublishDto)
  publish?: PublishDto;

  @ApiPropertyOptional({
    default: false,
    description:
      'Of a program: with the variables and secrets of what serves there now, and not with those of the release.',
  })
  @MayBeAbsent()
  @IsBoolean()
  current_environment?: boolean;
}
