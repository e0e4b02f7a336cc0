import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { SCOPES, type Scope } from '../../policy/policy.js';

const ALL = Object.keys(SCOPES);
export const DEFAULT_TOKEN_DAYS = 30;
const MAX_TOKEN_DAYS = 365;

/** Body of `POST /api/tokens` and `POST /api/service-accounts/:id/tokens`. */
export class CreateTokenDto {
  @ApiProperty({ example: 'laptop', minLength: 1, maxLength: 100 })
  @Matches(/^[^\x00-\x1f\x7f-\x9f]{1,100}$/, {
    message: 'name must be 1 to 100 printable characters',
  })
  name!: string;

  @ApiProperty({
    enum: ALL,
    isArray: true,
    minItems: 1,
    uniqueItems: true,
    description: 'What the token may do: nothing that its maker may not.',
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ALL.length)
  @ArrayUnique()
  @IsIn(ALL, { each: true })
  scopes!: Scope[];

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_TOKEN_DAYS,
    default: DEFAULT_TOKEN_DAYS,
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MAX_TOKEN_DAYS)
  expires_in_days?: number;
}
