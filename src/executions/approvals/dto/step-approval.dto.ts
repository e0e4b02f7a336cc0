import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { NameMap } from '../../../common/http/name-map.decorator.js';
import type { NameRecord } from '../../../common/values/name-record.js';

const MAX_REASON = 1000;
const MAX_STEP = 300;

export class RejectStepDto {
  @ApiPropertyOptional({
    ...{ minLength: 1, maxLength: MAX_STEP, example: 'release/ok' },
    description: 'Name of the step, or `stage/name`; absent: the only one that waits.',
  })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_STEP)
  step?: string;

  @ApiPropertyOptional({
    ...{ minLength: 1, maxLength: MAX_REASON, example: 'not before the holidays' },
    description: 'Kept, and shown with the execution.',
  })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_REASON)
  reason?: string;
}

export class ApproveStepDto extends RejectStepDto {
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { version: '1.4.0' },
    description: 'Values for the inputs of the step; they become its outputs.',
  })
  @MayBeAbsent()
  @NameMap()
  inputs?: NameRecord<unknown>;

  @ApiPropertyOptional({
    default: false,
    description:
      'In the place of all approvals that are missing. Needs the scope `environments:write`, and a reason.',
  })
  @MayBeAbsent()
  @IsBoolean()
  override?: boolean;
}
