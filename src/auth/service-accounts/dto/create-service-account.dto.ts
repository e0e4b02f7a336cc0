import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Body of `POST /api/service-accounts`. */
export class CreateServiceAccountDto {
  @ApiProperty({ example: 'deploy-bot', pattern: NAME.source, maxLength: 63 })
  @Matches(NAME, {
    message: 'name must be 1 to 63 small letters, digits and hyphens, such as deploy-bot',
  })
  name!: string;

  @ApiPropertyOptional({ maxLength: 500 })
  @MayBeAbsent()
  @IsString()
  @MaxLength(500)
  description?: string;
}
