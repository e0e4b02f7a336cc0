import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { SERVICE_NAME } from '../../engine/steps/deploy/service-name.js';

/** Of the root `/`, name by name; none is `.` or `..`, and `/` is not at the end. */
const WHOLE_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0\n]+)+$/;

export class PromoteDto {
  @ApiProperty({ example: 'production', maxLength: 63, pattern: SERVICE_NAME.source })
  @IsString()
  @Matches(SERVICE_NAME)
  environment!: string;

  @ApiPropertyOptional({
    ...{ example: '/srv/www/shop', maxLength: 1024, pattern: WHOLE_PATH.source },
    description:
      'Folder of the host, below one of `DEPLOY_FOLDERS`. Only needed the first time: the service stays where it is.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(1024)
  @Matches(WHOLE_PATH)
  path?: string;
}
